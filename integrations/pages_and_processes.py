"""What tests of the classes for other libraries share: programs of pages, and processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from time_limit import LONGEST

ROOT = Path(__file__).parent.parent


def run_page(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the Python programs of a page one after the other, as one program, in a folder.

    Returns:
        What they define.
    """
    monkeypatch.chdir(folder)
    page = (ROOT / "docs" / "libraries" / f"{name}.md").read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert programs
    names: dict[str, Any] = {"__name__": "__main__"}
    for program in programs:
        # Without the annotations that are texts in this module.
        exec(compile(program, f"{name}.md", "exec", dont_inherit=True), names)
    return names


def run_command(*command: object, folder: Path, path: list[Path] | None = None, **variables: str) -> Any:
    """Run a command in a folder, and return the process that has ended.

    Args:
        command: a program and its arguments.
        folder: the working directory.
        path: folders that come first where Python looks for modules.
        variables: more variables of the environment.
    """
    searched = os.pathsep.join(map(str, [*(path or []), ROOT, *sys.path]))
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": searched, "HF_HUB_OFFLINE": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )


def run_python(program: str, *arguments: object, folder: Path, **options: Any) -> str:
    """Run a program in a Python of its own, which has to end well, and return what it prints."""
    done = run_command(sys.executable, "-c", program, *arguments, folder=folder, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return str(done.stdout)


def check_missing(library: str, module: str, extra: str, folder: Path) -> None:
    """Check what a process says that lacks a library, and that `import m2v_lite` does not need it."""
    program = (
        f"import sys\nimport m2v_lite\nassert {library!r} not in sys.modules\n"
        f"sys.modules[{library!r}] = None\nimport m2v_lite.integrations.{module}"
    )
    done = run_command(sys.executable, "-c", program, folder=folder)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("m2v_lite.errors.MissingPackageError: ")
    assert last.endswith(f" is not installed; install it with: pip install 'm2v-lite[{extra}]'")
