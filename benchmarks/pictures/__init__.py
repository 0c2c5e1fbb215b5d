"""The pictures that plots.py draws, a module for each kind of result."""
