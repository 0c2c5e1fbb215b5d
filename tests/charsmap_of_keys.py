"""Keys and values -> a charsmap of SentencePiece, as bytes: for tables and for tests.

The layout: four bytes with the size of a tree, the tree, and the values, each with a NUL behind it. The tree
is a double array over bytes (https://github.com/s-yata/darts-clone).
"""

from __future__ import annotations

from collections.abc import Mapping

IS_KEY, IS_VALUE = 1 << 8, 1 << 31


def charsmap_of_keys(values: Mapping[str, str]) -> bytes:
    """Return a charsmap that replaces each key by its value.

    Examples:
        >>> from tokenizers.normalizers import Precompiled
        >>> Precompiled(charsmap_of_keys({"ab": "x", "é": ""})).normalize_str("ab é")
        'ab '
    """
    texts, places = b"", {}
    for key, value in values.items():
        places[key.encode()] = len(texts)
        texts += value.encode() + b"\0"
    prefixes = {key[:length] for key in places for length in range(len(key) + 1)}
    units = {0: 0}
    slots = {b"": 0}
    free = 1
    for prefix in sorted(prefixes, key=lambda prefix: (len(prefix), prefix)):
        children = [byte for byte in range(1, 256) if prefix + bytes([byte]) in prefixes]
        wanted = [*children, *([0] if prefix in places else [])]
        if not wanted:
            continue
        slot = slots[prefix]
        base = free
        while any((slot ^ base ^ label) in units for label in wanted) or slot ^ base == 0:
            base += 1
        # An offset is a multiple of 256 beyond 2**21; here it is below.
        offset = base
        assert offset < 1 << 21
        units[slot] |= offset << 10
        start = slot ^ offset
        for byte in children:
            units[start ^ byte] = byte
            slots[prefix + bytes([byte])] = start ^ byte
        if prefix in places:
            units[slot] |= IS_KEY
            units[start] = IS_VALUE | places[prefix]
        free = max(1, base - 256)
    size = (max(units) | 0xFF) + 1
    tree = b"".join(units.get(place, 0).to_bytes(4, "little") for place in range(size))
    return len(tree).to_bytes(4, "little") + tree + texts
