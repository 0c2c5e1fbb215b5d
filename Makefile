PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
OLDEST ?= .venv-oldest
PIP = pip install --quiet --disable-pip-version-check
TEXT ?= how do I keep the house warm in winter

.PHONY: help
help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
