"""Reads a submitted form, with its file, out of a body. No I/O.

1. Fields are counted before anything is taken apart (rules/limits.py).
2. What is no form, or a damaged one, is an empty form: no route of ours does anything for one.

https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qsl

from handover_channel.errors import InputRefused
from handover_channel.rules.limits import FORM_FIELDS, PART_HEAD

_PARAMETER = re.compile(r';\s*([\w*-]+)=(?:"([^"]*)"|([^;"\s]*))', re.ASCII)
_HEAD_ENDS, _LINE_ENDS = b"\r\n\r\n", b"\r\n"


@dataclass(frozen=True)
class Upload:
    """A file of a form."""

    name: str
    type: str  #: "image/png", "" where the browser did not say
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Form:
    """What was submitted. The first of several fields of one name counts."""

    fields: Dict[str, str] = field(default_factory=dict, repr=False)
    files: List[Upload] = field(default_factory=list, repr=False)


def parse(body: bytes, content_type: str) -> Form:
    """Return the form in *body*. Raises InputRefused for more fields than any form of ours has."""
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() == "multipart/form-data":
        boundary = dict(_parameters(f";{parameters}")).get("boundary", "")
        return _multipart(body, boundary.encode("utf-8", "replace"))
    return _urlencoded(body)


def _urlencoded(body: bytes) -> Form:
    if body.count(b"&") >= FORM_FIELDS.value:
        raise _too_many()
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return Form(dict(reversed(pairs)))


def _multipart(body: bytes, boundary: bytes) -> Form:
    if not boundary:
        return Form()
    mark = b"--" + boundary
    # Up to the line that ends it: another delimiter.
    if body.count(mark) > FORM_FIELDS.value + 1:
        raise _too_many()
    form = Form()
    for begin, end in _parts(body, mark):
        head_end = body.find(_HEAD_ENDS, begin, min(end, begin + PART_HEAD.value))
        if head_end < 0:
            continue
        name, file_name, kind = _described(body[begin:head_end].decode("utf-8", "replace"))
        content = body[head_end + len(_HEAD_ENDS) : end]
        if file_name is not None:
            form.files.append(Upload(file_name, kind, content))
        else:
            form.fields.setdefault(name, content.decode("utf-8", "replace"))
    return form


def _parts(body: bytes, mark: bytes) -> Iterator[Tuple[int, int]]:
    """Give where each part begins and ends, without its delimiters."""
    at = body.find(mark)
    while at >= 0:
        following = body.find(_LINE_ENDS + mark, at + len(mark))
        if following < 0:
            return
        yield at + len(mark), following
        at = following + len(_LINE_ENDS)


def _described(head: str) -> Tuple[str, Optional[str], str]:
    """Return the name of a field, the name of its file (None: it is none), and the file's type."""
    name, file_name, kind = "", None, ""
    for line in head.splitlines():
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            given = dict(_parameters(value))
            name, file_name = given.get("name", ""), given.get("filename")
        elif header.strip().lower() == "content-type":
            kind = value.partition(";")[0].strip()
    return name, file_name, kind


def _parameters(value: str) -> Iterator[Tuple[str, str]]:
    for name, quoted, plain in _PARAMETER.findall(value):
        yield name.lower(), quoted.replace("%22", '"') or plain


def _too_many() -> InputRefused:
    return InputRefused("the form has more fields than any of ours -> load the page anew", status=400)
