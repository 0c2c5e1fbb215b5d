"""Search a folder of notes by meaning, with numpy and nothing else.

    python examples/search_notes.py "pressure of the heating is low"
    python examples/search_notes.py --notes FOLDER "pressure of the heating is low"

The search covers the paragraphs of .md and .txt files. Their vectors lie in the folder as .m2v-index.npy,
which is mapped and so takes little memory. .m2v-index.json says which rows belong to which note. Each run
encodes only the notes that are new or have changed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite import StaticModel

Index = tuple[dict[str, tuple[int, int, int]], NDArray[Any]]  # {note: (date, first row, end)}, rows


def paragraphs(note: Path) -> list[str]:
    """Return the paragraphs of a note, except bare headings."""
    parts = re.split(r"\n\s*\n", note.read_text(encoding="utf-8", errors="replace"))
    return [part.strip() for part in parts if not re.fullmatch(r"\s*(#.*)?\s*", part)]


def read_index(folder: Path, model: StaticModel) -> Index:
    """Return the saved index, with its rows mapped, or an empty index if this model has none."""
    try:
        saved = json.loads((folder / ".m2v-index.json").read_text())
        if saved["model"] == repr(model):
            return saved["notes"], np.load(folder / ".m2v-index.npy", mmap_mode="r")
    except (FileNotFoundError, json.JSONDecodeError):
        pass
    return {}, np.empty((0, model.dim), np.float32)


def update_index(folder: Path, model: StaticModel) -> Index:
    """Encode the notes that are new or have changed, and return the index."""
    files = sorted(file for file in folder.rglob("*") if file.suffix in (".md", ".txt") and file.is_file())
    dates = {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files}
    notes, rows = read_index(folder, model)
    if {name: date for name, (date, _, _) in notes.items()} == dates:
        return notes, rows
    new, blocks, start = {}, [rows[:0]], 0
    for name, date in dates.items():
        former_date, first, end = notes.get(name, (None, 0, 0))
        block = rows[first:end] if date == former_date else model.encode(paragraphs(folder / name))
        new[name] = date, start, start + len(block)
        blocks.append(block)
        start += len(block)
    # Another search may have mapped the old rows: replace the file, never write into it.
    (folder / ".m2v-index.json").unlink(missing_ok=True)
    np.save(folder / ".m2v-index.new.npy", np.concatenate(blocks))
    (folder / ".m2v-index.new.npy").replace(folder / ".m2v-index.npy")
    (folder / ".m2v-index.json").write_text(json.dumps({"model": repr(model), "notes": new}))
    return read_index(folder, model)


def main() -> None:
    parser = argparse.ArgumentParser(description="Search a folder of notes by meaning.")
    parser.add_argument("query")
    parser.add_argument("--notes", type=Path, metavar="FOLDER", default=Path(__file__).parent / "notes")
    options = parser.parse_args()
    if not options.notes.is_dir():
        sys.exit(f"{options.notes}: no such folder; name a folder of notes with --notes")
    model = StaticModel.from_pretrained()
    try:
        notes, rows = update_index(options.notes, model)
    except OSError as error:
        sys.exit(f"cannot read a note or write the index: {error}")
    if not len(rows):
        sys.exit(f"{options.notes}: no .md or .txt file in this folder holds any text")
    similarities = rows @ model.encode(options.query)
    for row in similarities.argsort()[::-1][:3].tolist():
        name, first = next((name, first) for name, (_, first, end) in notes.items() if first <= row < end)
        paragraph = paragraphs(options.notes / name)[row - first]
        print(f"{similarities[row]:.3f}  {name}\n{textwrap.indent(paragraph, ' ' * 7)}\n")


if __name__ == "__main__":
    main()
