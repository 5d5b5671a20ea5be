"""Reads the `fields` of Graph API calls, and gives a caller those of a record that it asked for. No I/O.

https://developers.facebook.com/docs/graph-api/overview
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from handover_channel.simulator.graph_call import GraphCall


def names(given: Any) -> List[str]:
    """Return field names from a list or comma-separated text."""
    if isinstance(given, str):
        given = given.strip("[]").replace('"', "").split(",")
    return (
        [str(name).strip() for name in given if str(name).strip()] if isinstance(given, (list, tuple)) else []
    )


def picked(record: Mapping[str, Any], call: GraphCall, default: Tuple[str, ...]) -> Dict[str, Any]:
    """Return the fields that were asked for, and always the id."""
    wanted = names(call.parameters.get("fields")) or default
    return {key: value for key, value in record.items() if key in (*wanted, "id")}
