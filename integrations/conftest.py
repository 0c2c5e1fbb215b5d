"""Fixtures: what lies outside the repository."""

from outside import models_folder as models_folder
