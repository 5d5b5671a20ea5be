"""Reads openapi.json, which ships with the package, and checks the bodies of calls against it.

The file is what the control API promises and what it enforces: one text for both. Of JSON Schema only what
stands in the file is understood: types, required and further keys, choices, bounds, either-or, nesting.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple

API_FILE = Path(__file__).with_name("openapi.json")

_Schema = Mapping[str, Any]

_TYPES: Mapping[str, Any] = {
    "string": (str, "a string"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "null": (type(None), "null"),
}


class Operation(NamedTuple):
    """A call of the API: its name, and where it is."""

    name: str
    method: str  #: "GET" ...
    path: str  #: below the version, "/say"


@cache
def document() -> Dict[str, Any]:
    """Return what the file says."""
    found: Dict[str, Any] = json.loads(API_FILE.read_text(encoding="utf-8"))
    return found


def operations() -> List[Operation]:
    """Return every call, in the order of the file."""
    return [
        Operation(each["operationId"], method.upper(), path)
        for path, methods in document()["paths"].items()
        for method, each in methods.items()
    ]


@cache
def _bodies() -> Dict[str, Mapping[str, Any]]:
    """Return operation -> content type -> what the file says of such a body."""
    return {
        each["operationId"]: each["requestBody"]["content"]
        for methods in document()["paths"].values()
        for each in methods.values()
        if "requestBody" in each
    }


def takes_bytes(operation: str) -> bool:
    """Tell whether the body of the operation is no JSON: bytes of any type."""
    return "application/json" not in _bodies().get(operation, {"application/json": {}})


def check_query(operation: str, keys: Iterable[str]) -> None:
    """Raise ValueError for a key of the query that the operation does not have: a slip would be silent."""
    known = [each["name"] for each in _parameters().get(operation, ()) if each["in"] == "query"]
    unknown = [key for key in keys if key not in known]
    if unknown:
        keys_known = ", ".join(known) or "none"
        raise ValueError(f"{unknown[0]!r} is no key of this call's query (known: {keys_known})")


@cache
def _parameters() -> Dict[str, List[Mapping[str, Any]]]:
    """Return operation -> what the file says of its path and query."""
    return {
        each["operationId"]: each.get("parameters", [])
        for methods in document()["paths"].values()
        for each in methods.values()
    }


def check(operation: str, body: Any) -> Dict[str, Any]:
    """Return *body* if the operation accepts it; raises ValueError with everything that is wrong."""
    nothing = {"schema": {"type": "object", "additionalProperties": False, "properties": {}}}
    schema = _bodies().get(operation, {}).get("application/json", nothing)["schema"]
    problems = list(_problems(schema, body, ""))
    if problems:
        raise ValueError("; ".join(problems))
    given: Dict[str, Any] = body
    return given


def _problems(schema: _Schema, value: Any, where: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    named = repr(where) if where else "the body"
    wrong = _wrong_type(schema, value, named)
    if wrong:
        yield wrong
    elif isinstance(value, dict):
        yield from _problems_of_object(schema, value, where, named)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(schema["items"], item, f"{where}[{number}]")
    elif value == "" and schema.get("minLength"):
        yield f"{named} is empty; it must be a text"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{named} is {value!r}; it must be one of {', '.join(schema['enum'])}"
    elif "minimum" in schema and value is not None and value < schema["minimum"]:
        yield f"{named} is {value!r}; it must be {schema['minimum']} or more"


def _wrong_type(schema: _Schema, value: Any, named: str) -> str:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    for kind in types:
        python = _TYPES[kind][0]
        if isinstance(value, python) and not (isinstance(value, bool) and kind in ("integer", "number")):
            return ""
    return f"{named} is {_shown(value)}; it must be {' or '.join(_TYPES[kind][1] for kind in types)}"


def _shown(value: Any) -> str:
    """Name a value as JSON has it, not Python."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def _problems_of_object(schema: _Schema, value: Mapping[str, Any], where: str, named: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{named} lacks {key!r}"
    choices = [each["required"][0] for each in schema.get("anyOf", ())]
    if choices and not any(key in value for key in choices):
        yield f"{named} lacks {' or '.join(map(repr, choices))}"
    for key, item in value.items():
        if key in properties:
            yield from _problems(properties[key], item, f"{where}.{key}" if where else key)
        elif schema.get("additionalProperties") is False:
            known = ", ".join(properties) or "none"
            yield f"{key!r} is no key of {where or 'this call'} (known: {known})"
