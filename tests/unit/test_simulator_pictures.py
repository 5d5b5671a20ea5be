from __future__ import annotations

import struct
import zlib

from handover_channel.simulator.pictures import SIZE, portrait


def chunks(picture):
    """(kind, data) of a PNG whose checksums are right."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    found, rest = [], picture[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, data, checksum = rest[4:8], rest[8 : 8 + length], rest[8 + length : 12 + length]
        assert struct.unpack(">I", checksum) == (zlib.crc32(kind + data),)
        found.append((kind, data))
        rest = rest[12 + length :]
    return found


def test_a_portrait_is_a_whole_picture():
    (_, header), (_, pixels), (end, _) = chunks(portrait("1"))

    assert struct.unpack(">IIBBBBB", header) == (SIZE, SIZE, 8, 2, 0, 0, 0)
    assert len(zlib.decompress(pixels)) == SIZE * (1 + 3 * SIZE)
    assert end == b"IEND"


def test_a_person_looks_the_same_each_time_and_like_nobody_else():
    assert portrait("1") == portrait("1")
    assert portrait("1") != portrait("2")
