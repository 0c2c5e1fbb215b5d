"""Files of a model -> the same files with something wrong: what `fuzz_models` does to them.

They know the structure: JSON is changed at random places and written again, a safetensors header with the
right length, and the JSON inside of metadata as well, so that most mutants get past the first check.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Random = np.random.Generator

ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 255, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 62, 1 << 63, 1 << 64, 10**30,
    -(1 << 63),
    0.5, -0.0, 1e308, float("inf"), float("-inf"), float("nan"), "", "x", " ", "\0", "\ud800", "日本", "5",
    "a" * 3000,
    "Metaspace", "BertNormalizer", "F32", "I8", "BF16", "../..", [], {}, [0], [None], [[]],
    {"type": "Sequence"},
    {"type": ["x"]}, {"": None}, [0] * 50, "\x1b]0;x\x07",
]  # fmt: skip


def any_of(random: Random, values: Any) -> Any:
    return values[int(random.integers(len(values)))]


def changed_bytes(content: bytes, random: Random) -> bytes:
    """Flip, insert, remove, repeat or overwrite bytes, or cut the end off."""
    if not content:
        return bytes(random.integers(0, 256, 8, np.uint8))
    start = int(random.integers(len(content)))
    length = int(random.choice([1, 1, 2, 4, 8, 64, 1000]))
    noise = bytes(random.integers(0, 256, length, np.uint8))
    match int(random.integers(7)):
        case 0:
            return content[:start]
        case 1:
            return content[:start] + noise + content[start:]
        case 2:
            return content[:start] + content[start + length :]
        case 3:
            return content[: start + length] + content[start:]
        case 4:
            fill: bytes = any_of(random, [b"\0", b"\xff"])
            return content[:start] + fill * length + content[start + length :]
        case 5:
            return content[:start] + noise + content[start + length :]
        case _:
            flipped = content[start] ^ (1 << int(random.integers(8)))
            return content[:start] + bytes([flipped]) + content[start + 1 :]


def changed_json(value: Any, random: Random) -> Any:
    """Return JSON with something else at a random place; texts that hold JSON are changed inside."""
    if isinstance(value, str) and value[:1] in ("{", "[") and random.random() < 0.9:
        try:
            return json.dumps(changed_json(json.loads(value), random))
        except ValueError:
            pass
    keys = [*value] if isinstance(value, dict) else [*range(len(value))] if isinstance(value, list) else []
    if not keys or random.random() < 0.08:
        return any_of(random, ODD_VALUES)
    key = any_of(random, keys)
    copy = value.copy()
    match int(random.integers(12)):
        case 0:
            del copy[key]
        case 1:
            copy[key] = copy[any_of(random, keys)]
        case 2 if isinstance(copy, list):
            copy.insert(key, any_of(random, ODD_VALUES))
        case 2:
            copy[any_of(random, ["x", "", "type", *keys])] = any_of(random, ODD_VALUES)
        case 3 if isinstance(copy[key], (int, float)):
            copy[key] = copy[key] + any_of(random, [-1, 1, 2, -100, 0.5, 1 << 20])
        case _:
            copy[key] = changed_json(copy[key], random)
    return copy


def json_file(content: bytes, random: Random) -> bytes:
    changed = changed_json(json.loads(content), random)
    text = json.dumps(changed, ensure_ascii=bool(random.integers(2)), separators=(",", ":"))
    return text.encode(errors="surrogatepass")


def header(content: bytes, random: Random) -> bytes:
    """Change the header of a safetensors file; at times the data are cut or padded to fit."""
    length = int.from_bytes(content[:8], "little")
    text = json_file(content[8 : 8 + length], random) + b" " * int(random.integers(3))
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def tensor_data(content: bytes, random: Random) -> bytes:
    """Overwrite numbers of one tensor, in its own width, with extreme or other numbers of it."""
    length = int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8 : 8 + length])
    name = any_of(random, [name for name in tensors if name != "__metadata__"])
    start, end = (8 + length + offset for offset in tensors[name]["data_offsets"])
    width = int(random.choice([1, 2, 4, 8]))
    data = bytearray(content[start:end])
    for _ in range(int(random.integers(1, 20))):
        place = width * int(random.integers(max(1, len(data) // width)))
        other = width * int(random.integers(max(1, len(data) // width)))
        extremes = [
            b"\0" * width,
            b"\xff" * width,
            b"\xff" * (width - 1) + b"\x7f",
            bytes(data[other : other + width]),
        ]
        data[place : place + width] = any_of(random, extremes)
    return content[:start] + bytes(data[: end - start]) + content[end:]


def deflated_part(content: bytes, random: Random) -> bytes:
    """Change what a deflated file of a packed model says, and deflate it again; the rest moves along."""
    length = int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8 : 8 + length])
    names = [name for name in ("tokenizer.json", "README.md") if name in tensors]
    if not names:
        return changed_bytes(content, random)
    name = any_of(random, names)
    start, end = (8 + length + offset for offset in tensors[name]["data_offsets"])
    text = zlib.decompress(content[start:end])
    if name == "tokenizer.json" and random.random() < 0.6:
        text = json_file(text, random)
    else:
        text = changed_bytes(text, random)
    if random.random() < 0.1:
        text = text + b" " * 5_000_000
    part = zlib.compress(text)
    for info in (info for key, info in tensors.items() if key != "__metadata__"):
        if info["data_offsets"][0] >= tensors[name]["data_offsets"][1] and info is not tensors[name]:
            info["data_offsets"] = [offset + len(part) - (end - start) for offset in info["data_offsets"]]
    tensors[name]["data_offsets"][1] += len(part) - (end - start)
    tensors[name]["shape"] = [len(part)]
    head = json.dumps(tensors).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + content[8 + length : start] + part + content[end:]


Mutation = Callable[[bytes, Random], bytes]
JSON_FILES: list[Mutation] = [changed_bytes, json_file]
TABLES: list[Mutation] = [changed_bytes, header, tensor_data]
PACKED: list[Mutation] = [changed_bytes, header, header, tensor_data, tensor_data, deflated_part]


def mutations_of(name: str) -> list[Mutation]:
    """Return what may go wrong with a file of this name."""
    if name.endswith(".json"):
        return JSON_FILES
    if name == "packed.safetensors":
        return PACKED
    return TABLES if name.endswith(".safetensors") else [changed_bytes]
