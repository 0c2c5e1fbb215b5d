"""Hook of hatchling: what a package index shows, with links that lead somewhere from there.

The links of README.md lead to files beside it, which a package index does not have. If the environment says
in M2V_LITE_REPOSITORY where the repository is, as the release workflow does, they lead there. Otherwise they
are plain text. M2V_LITE_SITE, the address of the site, is one of the project's links.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class IndexPage(MetadataHookInterface):
    """Sets the description and the links of the project."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add `readme` and `urls` to the metadata of pyproject.toml."""
        repository = os.environ.get("M2V_LITE_REPOSITORY", "").rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": with_links(text, repository)}
        urls = {"Documentation": os.environ.get("M2V_LITE_SITE", ""), "Source": repository}
        if repository:
            urls |= {
                "Issues": f"{repository}/issues",
                "Changelog": f"{repository}/blob/main/CHANGELOG.md",
            }
        metadata["urls"] = {name: address for name, address in urls.items() if address}


def with_links(text: str, repository: str) -> str:
    """Return a text of Markdown whose links to files lead to a repository, or are plain text without one."""
    return re.sub(
        r"\[([^\]]+)\]\((?![a-z]+:|#)([^)\s]+)\)",
        rf"[\1]({repository}/blob/main/\2)" if repository else r"\1",
        text,
    )
