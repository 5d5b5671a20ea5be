"""Draws profile pictures: a head and shoulders, in a colour that depends on the PSID. PNG, without a library.

https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import colorsys
import struct
import zlib
from functools import lru_cache

SIZE = 96  #: pixels, both ways


@lru_cache(maxsize=256)
def portrait(psid: str) -> bytes:
    """Return the picture of a person, the same one every time."""
    hue = zlib.crc32(psid.encode()) % 360 / 360
    ground, figure = _colour(hue, 0.55), _colour(hue, 0.9)
    rows = [[figure if _is_figure(x, y) else ground for x in range(SIZE)] for y in range(SIZE)]
    return _png(rows)


def _is_figure(x: int, y: int) -> bool:
    # In tenths of the picture, from its middle.
    right, down = (x + 0.5) / SIZE * 10 - 5, (y + 0.5) / SIZE * 10
    head = right**2 + (down - 3.8) ** 2 < 1.8**2
    shoulders = (right / 3.4) ** 2 + ((down - 10) / 3.6) ** 2 < 1
    return head or shoulders


def _colour(hue: float, lightness: float) -> bytes:
    return bytes(round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, 0.5))


def _png(rows: list[list[bytes]]) -> bytes:
    pixels = b"".join(b"\0" + b"".join(row) for row in rows)  # each row begins with its filter: none
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
