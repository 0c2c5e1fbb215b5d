"""Nothing waits for ever: in tests, benchmarks, scripts and examples, whatever waits for a process, a thread or an answer says how long."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = ("tests", "integrations", "benchmarks", "scripts", "examples")
FOLDERS = [folder for name in NAMES if (folder := HERE.parent / name).is_dir()]
FILES = {
    path.relative_to(HERE.parent).as_posix(): path
    for folder in FOLDERS
    for path in sorted(folder.rglob("*.py"))
}
# What starts a process and waits for it, and what asks a server.
RUNNING = {"run", "call", "check_call", "check_output", "getoutput", "getstatusoutput", "system"}
ASKING = {"urlopen", "create_connection", "HTTPConnection"}
# What waits, and has the time as its first argument. With other arguments it is `str.join` or `dict.get`.
WAITING = {"wait", "join", "get", "result", "exception", "acquire", "recv"}
# These wait as long as it takes when the `with` ends.
WAITING_AT_THE_END = {"Popen"}


def endless(source: str) -> list[str]:
    """Return the calls that may wait for ever, in the order of their lines."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.With):
            found += [
                (item.context_expr.lineno, f"with {ast.unparse(item.context_expr.func)}")
                for item in node.items
                if isinstance(item.context_expr, ast.Call)
                and _name(item.context_expr.func) in WAITING_AT_THE_END
            ]
        if isinstance(node, ast.Call) and _is_endless(node):
            found.append((node.lineno, ast.unparse(node.func)))
    return [f"{line}: {call}" for line, call in sorted(found)]


def _is_endless(call: ast.Call) -> bool:
    name, of = _name(call.func), _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if any(keyword.arg == "timeout" for keyword in call.keywords):
        return False
    if name == "communicate" or name in ASKING or (of == "subprocess" and name in RUNNING):
        return True
    return name in WAITING and of != "" and not call.args


def _name(function: ast.expr) -> str:
    """Return the last part of a dotted name; "?" of something else."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else "?"


@pytest.mark.parametrize("name", FILES)
def test_nothing_waits_for_ever(name: str) -> None:
    assert endless(FILES[name].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(command, check=True)",
        "def f():\n    return subprocess.check_output(['true'], text=True)",
        "process.communicate(b'text')",
        "process.wait()",
        "thread.join()",
        "self.threads[0].join()",
        "queue.get()",
        "pool.submit(work).result()",
        "connection.recv()",
        "urlopen(address)",
        "with subprocess.Popen(command) as process:\n    pass",
        "with suppress(OSError), Popen(command):\n    pass",
    ],
)
def test_what_may_wait_for_ever_is_found(source: str) -> None:
    """The control."""
    assert len(endless(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(command, check=True, timeout=LONGEST)",
        "process.communicate(b'text', timeout=LONGEST)",
        "process.wait(LONGEST)",
        "thread.join(timeout=LONGEST)",
        "', '.join(words)",
        "entries.get('key')",
        "run('encode', 'text')",
        "process = subprocess.Popen(command)",
        "urlopen(address, timeout=LONGEST)",
    ],
)
def test_what_ends_is_not_found(source: str) -> None:
    assert endless(source) == []
