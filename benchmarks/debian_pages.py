"""Pages of Debian's packages: the sources of Python's documentation, and manual pages as plain text.

The packages are downloaded with `apt-get download` and unpacked with `dpkg-deb`. Nothing is installed, and
that needs no root. But the machine must run Debian 12 and have its lists of packages (`apt-get update`).
Manual pages are rendered by groff, which is in the package `groff-base`.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PYTHON = ("python3.11-doc",)
MANUALS = (
    *("manpages", "manpages-dev", "coreutils", "git-man", "util-linux", "systemd", "iproute2", "openssl"),
    *("procps", "passwd", "e2fsprogs", "bash", "tar", "findutils", "grep", "sed", "gawk", "curl", "rsync"),
    *("openssh-client", "apt", "dpkg"),
)
FISH = ("fish-common",)
SECONDS = 600
# The name of a section for links, which a reader does not see. It says the words of the title again.
LABEL = re.compile(r"\.\. _[^:]+:$")
# A page of one line that includes another page, or names it.
STAND_IN = re.compile(rb"(?:\s|\.\\\".*\n)*\.so ")


def unpack(names: Sequence[str], packages: Path, folder: Path) -> dict[str, str]:
    """Unpack packages, download those that are missing, and return their versions.

    Args:
        names: their names.
        packages: where the files of packages are, or are downloaded to.
        folder: where to unpack them.
    """
    missing = [name for name in names if not list(packages.glob(f"{name}_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", "-qq", *missing], cwd=packages, check=True, timeout=SECONDS)
    versions = {}
    for name in names:
        (package,) = packages.glob(f"{name}_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True, timeout=SECONDS)
        field = ["dpkg-deb", "-f", str(package), "Version"]
        told = subprocess.run(field, check=True, capture_output=True, text=True, timeout=SECONDS)
        versions[name] = told.stdout.strip()
    return versions


def python_pages(folder: Path) -> dict[str, list[str]]:
    """Return the lines of each page of Python's documentation in reStructuredText, by name.

    Labels are left out.
    """
    pages = {}
    for path in sorted(folder.glob("usr/share/doc/python3*/html/_sources/**/*.rst.txt")):
        name = path.as_posix().split("/_sources/")[1].removesuffix(".txt")
        lines = path.read_text(encoding="utf-8").splitlines()
        pages[name] = ["" if LABEL.match(line.strip()) else line for line in lines]
    return pages


def manual_pages(folder: Path) -> dict[str, list[str]]:
    """Return the lines of each English manual page, by name, such as "ls.1".

    Other names of a page are left out.
    """
    if not shutil.which("groff"):
        raise SystemExit("groff is missing: install groff-base")
    pages = {}
    for path in sorted(folder.glob("usr/share/man/man[1-8]/*.gz")):
        if path.is_symlink():
            continue
        source = gzip.decompress(path.read_bytes())
        if not STAND_IN.match(source):
            pages[path.name.removesuffix(".gz")] = _rendered(source)
    return pages


def _rendered(source: bytes) -> list[str]:
    """Return the lines of a manual page as a terminal shows them, without bold letters and hyphenation."""
    command = ["groff", "-k", "-t", "-mandoc", "-Tutf8", "-rHY=0", "-P-cbou"]
    done = subprocess.run(command, input=source, capture_output=True, check=True, timeout=SECONDS)
    return done.stdout.decode("utf-8", "replace").splitlines()
