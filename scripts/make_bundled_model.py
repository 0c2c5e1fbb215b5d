"""Write the model that the package carries: potion-base-8M in int8, packed.

    python scripts/make_bundled_model.py SOURCE [OUT]

SOURCE is a folder with minishlab/potion-base-8M as the hub has it. OUT is a folder (default: the folder in
the package). The int8 numbers follow model2vec's rule, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from m2v_lite.files.atomic_write import atomic_write
from m2v_lite.loading import BUNDLED_MODEL
from m2v_lite.model import StaticModel

REVISION = "bf8b056651a2c21b8d2565580b8569da283cab23"

MODEL_CARD = f"""\
---
license: mit
base_model: baai/bge-base-en-v1.5
language:
- en
library_name: model2vec
---

# potion-base-8M, int8

The static-embedding model minishlab/potion-base-8M by MinishLab (revision {REVISION} of
https://huggingface.co/minishlab/potion-base-8M), its table of 29,528 x 256 float32 numbers rounded to int8 by
model2vec's rule and its tokenizer.json written without white space. Nothing else is changed. Made by
scripts/make_bundled_model.py of m2v_lite. MIT licence: see LICENSE beside this file.
"""

NOTICE = """\
MIT License

Copyright (c) MinishLab

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def make_bundled_model(source: Path, out: Path) -> None:
    """Write the int8 model of `source` to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        StaticModel.from_pretrained(source, quantize_to="int8").save_pretrained(folder)
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        (folder / "tokenizer.json").write_text(
            json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
        )
        (folder / "README.md").write_text(MODEL_CARD, encoding="utf-8")
        StaticModel.from_pretrained(folder).save_packed(
            out / "model.safetensors", f"minishlab/potion-base-8M at revision {REVISION}"
        )
    with atomic_write(out / "LICENSE") as file:
        file.write(NOTICE.encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path(BUNDLED_MODEL).parent)
    arguments = parser.parse_args()
    make_bundled_model(arguments.source, arguments.out)
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{arguments.out}: {size:,} bytes")
