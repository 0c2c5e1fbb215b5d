"""Reads the settings in a config, and checks the two that change vectors: `normalize` and `max_length`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from m2v_lite.arguments import PathLike
from m2v_lite.disk import MOST_BYTES, NotRegularError, read_regular
from m2v_lite.errors import InvalidModelError

DEFAULT_MAX_LENGTH = 512
DEFAULT_NORMALIZE = False


def read_config(path: PathLike) -> dict[str, Any]:
    """Read a model's config and check the two settings that change its vectors.

    Raises:
        InvalidModelError: the file is not a JSON object, or `normalize` or `max_length` has a wrong value.
    """
    try:
        config = json.loads(read_regular(path, MOST_BYTES["config.json"]).decode())
    except NotRegularError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidModelError(
            f"{path}: the config cannot be read as JSON ({error}); fetch or write it again"
        ) from error
    if not isinstance(config, dict):
        raise InvalidModelError(f"{path}: the config is not a JSON object; fetch or write it again")
    check_config(path, config)
    return config


def holds_prompt(config: Mapping[str, Any], name: object) -> bool:
    """Return whether a config has a prompt of this name."""
    prompts = config.get("prompts")
    return isinstance(prompts, dict) and isinstance(name, str) and name in prompts


def check_config(path: PathLike, config: dict[str, Any]) -> None:
    """Check the two settings that change a model's vectors; see `read_config`."""
    normalize = config.get("normalize")
    if normalize is not None and not isinstance(normalize, bool):
        raise InvalidModelError(f"{path}: 'normalize' is {normalize!r:.60}; set it to true, false or null")
    max_length = config.get("max_length")
    if max_length is not None and (type(max_length) is not int or not 1 <= max_length <= sys.maxsize):
        raise InvalidModelError(
            f"{path}: 'max_length' is {max_length!r:.60}; set it to a number of tokens, at least 1, "
            "or to null for no limit"
        )
