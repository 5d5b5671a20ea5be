"""Writes how old something is, for tables: "2 h 5 min"."""

from __future__ import annotations

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def age(seconds: float) -> str:
    """Write a time with its two largest units: "2 h 5 min"."""
    left, parts = max(int(seconds), 0), []
    for unit, size in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or "0 s"
