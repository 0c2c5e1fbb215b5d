"""The README and the pages are true: examples run, tables are those of the results, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from model2vec_left_out import TESTS, WITH_PIPELINE_TOO, WITH_STATIC_MODEL
from page_tables import TABLES as PAGE_TABLES, results_tables, rows_in
from pages import (
    COMMANDS,
    ENVIRONMENT,
    PAGES,
    PROGRAMS,
    ROOT,
    SCHEMES,
    SESSIONS,
    Block,
    labels_of,
    name_of,
    table_below,
)
from test_architecture import ALLOWED, GROUND
from time_limit import LONGEST

import m2v_lite
from m2v_lite.commands.main import main

RESULTS = ROOT / "benchmarks" / "results"
MAKEFILE, WITHOUT_MAKEFILE = ROOT / "Makefile", "the Makefile is not part of the package"
README = PAGES["README.md"]
LIBRARIES = [
    "langchain", "llama-index", "haystack", "chroma", "lancedb", "scikit-learn", "spacy", "llm", "daft", "chonkie",
    "keybert", "bertopic", "txtai",
]  # fmt: skip
NEED_MORE = {"milvus_collection.py", "serve_embeddings.py"}  # than this package; tested in integrations
TESTED_IN_INTEGRATIONS = {
    "docs/milvus.md": 1,
    "docs/other-libraries.md": 1,
    "docs/search.md": 3,
    "docs/engines.md": 7,
    **{f"docs/libraries/{name}.md": 2 if name in ("chroma", "lancedb", "spacy") else 1 for name in LIBRARIES},
}
ELSEWHERE = {"README.md", "docs", "tests", "scripts", "examples"}  # what test_elsewhere.sh copies
OF_THE_RESULTS = pytest.mark.skipif(not RESULTS.exists(), reason="the results are not part of the package")


WITH_OUTPUT = [block for block in PROGRAMS if block.output is not None]
EXAMPLES = [command.command for command in COMMANDS if command.command.startswith("python examples/")]


def run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command in a folder, where it may write, and return what it prints."""
    environment = {**ENVIRONMENT, **variables}
    done = subprocess.run(
        command, capture_output=True, check=True, env=environment, cwd=folder, timeout=LONGEST
    )
    assert done.stderr == b""
    return done.stdout.decode()


# --- that there is something to check


def test_there_are_pages_and_examples() -> None:
    assert {f"docs/libraries/{name}.md" for name in LIBRARIES} <= PAGES.keys()
    assert len(WITH_OUTPUT) > 10
    assert len(SESSIONS) > 1
    assert len(EXAMPLES) == 4


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_every_page_is_in_the_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = re.findall(r": (\S+\.md)$", contents, re.MULTILINE)
    assert sorted(f"docs/{name}" for name in listed if name != "changelog.md") == sorted(
        PAGES.keys() - {"README.md"}
    )


# --- examples


def essence(program: str) -> list[str]:
    """Return the lines of a program without their indentation, blank lines and docstrings."""
    lines = (line.strip() for line in program.splitlines())
    return [line for line in lines if line and not line.startswith('"""')]


def test_the_programs_for_engines_are_the_examples() -> None:
    examples = {
        path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "examples" / "engines").glob("*.py")
    }
    without = [block for block in PROGRAMS if block.page == "docs/engines.md" and block.output is None]
    for block in without:
        engine = block.text.split()[1].partition(".")[0]
        in_example = essence(examples[f"{engine}_vectors" if engine != "pyspark" else "spark_vectors"])
        assert [line for line in essence(block.text) if line not in in_example] == []


@pytest.mark.parametrize("block", WITH_OUTPUT, ids=name_of)
def test_a_program_prints_what_the_page_says(block: Block, tmp_path: Path) -> None:
    assert run([sys.executable, "-c", block.text], tmp_path) == block.output


def test_a_program_without_output_is_tested_in_integrations() -> None:
    without: dict[str, int] = {}
    for block in PROGRAMS:
        compile(block.text, block.page, "exec")
        if block.output is None:
            without[block.page] = without.get(block.page, 0) + 1
    assert without == TESTED_IN_INTEGRATIONS


@pytest.mark.parametrize("block", SESSIONS, ids=name_of)
def test_a_command_prints_what_the_page_says(block: Block, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    for command, expected in commands:
        if command == "pip install .":  # make demo does so, and scripts/test_elsewhere.sh
            continue
        name, *arguments = shlex.split(command)
        assert name == "m2v-lite"
        found = run([sys.executable, "-m", "m2v_lite", *arguments], tmp_path, XDG_DATA_HOME=str(tmp_path))
        assert found == expected


def test_every_example_is_named() -> None:
    assert {shlex.split(line)[1] for line in EXAMPLES} == {
        f"examples/{path.name}" for path in (ROOT / "examples").glob("*.py")
    }


@pytest.mark.parametrize("line", [line for line in EXAMPLES if not any(name in line for name in NEED_MORE)])
def test_an_example_runs_as_it_stands(line: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")  # where it may write
    output = run([sys.executable, *shlex.split(line)[1:]], tmp_path)
    assert len(output.splitlines()) > 5


def demo(folder: Path, text: str) -> str:
    """Do in a folder what `make demo` does, and return what it prints."""
    shutil.copytree(ROOT / "examples", folder / "examples", dirs_exist_ok=True)
    recipe = re.findall(r"^demo: .*\n((?:\t.*\n)+)", MAKEFILE.read_text(encoding="utf-8"), re.M)[-1]
    lines = recipe.replace("\t@", "").replace("$$", "$").replace("$(VENV)/demo", "demo")
    command = lines.replace("$(VENV)/$(BIN)/m2v-lite", f"{shlex.quote(sys.executable)} -m m2v_lite")
    environment = {**ENVIRONMENT, "WANTED": text}
    done = subprocess.run(
        ["sh", "-ec", command],
        capture_output=True,
        check=True,
        env=environment,
        cwd=folder,
        timeout=LONGEST,
    )
    return done.stdout.decode()


@pytest.mark.skipif(not MAKEFILE.exists(), reason=WITHOUT_MAKEFILE)
def test_the_demo_finds_what_is_asked_for(tmp_path: Path) -> None:
    output = demo(tmp_path, 'a night train to Austria; "$HOME" `false`')
    assert output.startswith("examples/notes/travel.md:1-4  ")
    assert "3:Night train to Vienna" in output


# --- names of commands, options and make targets


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    return capsys.readouterr().out


def test_the_commands_are_those_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    in_help = set(
        re.findall(r"^ {4}(\w+)", help_of(capsys).partition("COMMAND\n")[2].partition("\n\n")[0], re.M)
    )
    named = {
        command for text in PAGES.values() for command in re.findall(r"(?<!llm )\bm2v-lite ([a-z]+)\b", text)
    }
    assert named == in_help
    _, *rows = table_below("docs/command-line.md", "All commands")
    assert {command for row in rows for command in re.findall(r"m2v-lite (\w+)", row[0])} == in_help


def test_an_option_is_one_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    found = 0
    for text in PAGES.values():
        for command, rest in re.findall(r"(?<!llm )m2v-lite ([a-z]+)([^`\n&]*)", text):
            for option in re.findall(r"--[a-z-]+", rest.partition("#")[0]):
                found += 1
                assert option in re.findall(r"--[a-z-]+", help_of(capsys, command)), f"{command} {option}"
    assert found > 10


@pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="the Makefile is not part of the package")
def test_a_make_target_is_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for text in PAGES.values() for target in re.findall(r"(?:`|\$ )make ([a-z0-9-]+)", text)}
    named |= {command.command.split()[1] for command in COMMANDS if command.command.startswith("make ")}
    assert named <= targets
    assert len(named) > 20


# --- tables


@pytest.mark.parametrize("name", PAGE_TABLES)
def test_a_table_is_made_of_what_it_shows(name: str) -> None:
    """`make tables` writes it; a page or a result that was changed by hand is found here."""
    if name not in ("known-models", "left-out", "left-out-pipeline") and not RESULTS.exists():
        pytest.skip("the results are not part of the package")
    marker, made = f"<!-- table: {name} -->\n\n", PAGE_TABLES[name]()
    (page,) = (text for text in PAGES.values() if marker in text)
    assert page.partition(marker)[2].startswith(made)
    assert len(rows_in(made)) >= 3


def test_each_marker_is_that_of_a_table() -> None:
    named = [
        name for page in PAGES.values() for name in re.findall(r"^<!-- table: (.*) -->", page, re.MULTILINE)
    ]
    assert sorted(named) == sorted(PAGE_TABLES)


def test_the_tests_that_are_left_out_are_counted() -> None:
    total, page = sum(TESTS.values()), PAGES["docs/contributing.md"]
    for listed in (WITH_STATIC_MODEL, [*WITH_STATIC_MODEL, *WITH_PIPELINE_TOO]):
        assert f"{total - sum(test.cases for test in listed)} of {total} pass" in page


@OF_THE_RESULTS
def test_the_readme_says_what_numpy_alone_takes() -> None:
    report = (RESULTS / "side-by-side.md").read_text(encoding="utf-8")
    (alone,) = re.findall(r"^numpy alone takes (.* ms and .* MB)\.$", report, re.MULTILINE)
    assert f"alone take {alone}" in README


def test_the_wings_are_those_of_the_architecture() -> None:
    headings, *rows = table_below("docs/how-it-works.md", "## Architecture")
    assert headings == ["wing", "takes", "gives", "may import"]

    def named(cell: str) -> set[str]:
        return set(re.findall(r"`(\w+)`", cell)) | (GROUND if "the ground" in cell else set())

    stated = {wing.strip("`"): named(may) for wing, _, _, may in rows}
    assert stated == {wing: may for wing, may in ALLOWED.items() if not wing.startswith("__")}
    assert list(stated) == list(ALLOWED)[: len(stated)]


# --- links and pictures


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them.

    >>> sorted(anchors("# A model: one file\\n## On your own board\\n"))
    ['a-model-one-file', 'on-your-own-board']
    """
    without_blocks = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", without_blocks, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_a_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", PAGES[page])
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = Path(os.path.normpath((ROOT / page).parent / path)) if path else ROOT / page
        inside = target.relative_to(ROOT)
        if not RESULTS.exists() and inside.parts[0] not in ELSEWHERE:
            continue
        assert target.exists(), f"{page} links to {link}"
        if target.suffix == ".svg":
            assert anchor in SCHEMES.values(), f"{page} shows {link} in both schemes"
        elif anchor:
            assert anchor in anchors(PAGES[inside.as_posix()]), f"{page} links to {link}"


@OF_THE_RESULTS
def test_each_picture_is_shown_in_both_schemes() -> None:
    pictures = [
        picture for text in PAGES.values() for picture in re.findall(r"!\[([^]]+)\]\(([^)]+)\)", text)
    ]
    for (alternative, light), (same, dark) in zip(pictures[::2], pictures[1::2], strict=True):
        assert alternative == same
        name = light.partition("-light.svg")[0]
        assert [light, dark] == [f"{name}-{scheme}.svg#{only}" for scheme, only in SCHEMES.items()]
    shown = [Path(picture.partition("#")[0]).name for _, picture in pictures]
    drawn = [*RESULTS.glob("*.svg"), *(ROOT / "docs/pictures").glob("*.svg")]
    assert sorted(shown) == sorted(path.name for path in drawn)


def test_the_site_hides_the_picture_of_the_other_scheme() -> None:
    style = (ROOT / "docs/stylesheets/extra.css").read_text()
    for scheme, other in (("default", "dark"), ("slate", "light")):
        assert f'[data-md-color-scheme="{scheme}"] img[src$="#{SCHEMES[other]}"]' in style


@OF_THE_RESULTS
@pytest.mark.parametrize(
    ("picture", "line", "panels", "kinds"),
    [
        (
            "speed-batches",
            "## Speed on one core",
            ["batch, unseen", "batch, first pass"],
            ["short ASCII", "long", "accented Latin", "Cyrillic", "CJK", "other scripts"],
        ),
        (
            "speed-one-text",
            "## Speed on one core",
            ["one text, new", "one text, words seen"],
            ["short ASCII", "terse ASCII", "mixed scripts"],
        ),
        (
            "speed-multilingual",
            "`make compare-multilingual` compares",
            ["batch, unseen", "batch, first pass"],
            ["short ASCII", "Cyrillic", "CJK", "other scripts", "mixed scripts"],
        ),
    ],
)
def test_a_picture_of_speed_has_the_figures_of_the_table(
    picture: str, line: str, panels: list[str], kinds: list[str]
) -> None:
    _, *rows = table_below("docs/speed-and-memory.md", line)
    times = {(row[0], row[1]): row[2] for row in rows}
    for panel in panels:
        assert "\n".join(times[kind, panel] for kind in kinds) in labels_of(picture, RESULTS)


@OF_THE_RESULTS
@pytest.mark.parametrize("name", ["footprint", "footprint-multilingual"])
def test_a_picture_of_start_up_has_the_figures_of_the_results(name: str) -> None:
    results = json.loads((RESULTS / f"{name}.json").read_text())
    labels = labels_of(name, RESULTS)
    start, private = (
        {name: statistics.median(values) for name, values in results["fresh processes"][column].items()}
        for column in ("start to first vector, ms", "private, MB")
    )
    assert (
        f"numpy alone: {start['numpy alone']:.0f} ms, {private['numpy alone']:.0f} MB" in labels.splitlines()
    )
    slowest_first = sorted(start.keys() - {"numpy alone"}, key=start.__getitem__, reverse=True)
    for figures in (start, private):
        assert "\n".join(f"{figures[name]:,.0f}" for name in slowest_first) in labels
    if name == "footprint":
        for contender, by_number in results["processes with one model"]["2,000 texts"].items():
            assert f"{contender}: {by_number['8']['sum of Pss, MB']:.0f}" in labels.splitlines()


@OF_THE_RESULTS
def test_the_picture_of_search_has_all_of_the_table() -> None:
    _, *rows = rows_in(results_tables("search-side-by-side.md")[0])
    assert {row[0] for row in rows} <= set(labels_of("search", RESULTS).splitlines())


# --- what must be said


def test_what_is_public_is_said() -> None:
    page = PAGES["docs/reference/m2v_lite.md"]
    assert "`m2v_lite.__all__`" in page
    assert "Everything else is internal" in page
    shown = set(re.findall(r"^::: m2v_lite\.(\w+)$", page, re.MULTILINE))
    errors = {name for name in m2v_lite.__all__ if name.endswith("Error")}  # on a page of their own
    assert shown == set(m2v_lite.__all__) - errors - {"__version__"}


def test_no_page_holds_the_path_of_a_machine() -> None:
    for page, text in PAGES.items():
        found = re.findall(r"(?<![\w./:])/(?:home|root|work|tmp|opt|usr|Users)\b\S*", text)
        assert found == [], f"{page} has a path of a machine"


@OF_THE_RESULTS
def test_the_plan_is_that_of_the_run() -> None:
    checked = results_tables("many-texts.md")[0]
    page = PAGES["docs/engines.md"]
    for row in rows_in(checked)[1:]:
        times = row[3].strip("*")
        assert f"{times} times" in page
