"""Answers the Graph API client from a simulator in this process, in place of a network.

The client's own code runs up to the last step: its token, its proof and its body arrive as they would at
Meta, and what comes back is read as an answer of Meta's.
"""

from __future__ import annotations

import email
import email.policy
import io
import json
from typing import Any, Dict, Mapping, Tuple
from urllib.parse import parse_qsl, urlsplit

from urllib3 import HTTPResponse

from handover_channel.simulator import graph
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused
from handover_channel.simulator.request import File, Request, Response, decode_body


class SimulatedNetwork:
    """Takes the place of urllib3's pools of connections: see `graph_api.transport.Pools`."""

    def __init__(self, page: SimulatedPage) -> None:
        self._page = page

    def urlopen(self, method: str, url: str, **more: Any) -> HTTPResponse:
        """Return what the simulator answers to this call."""
        given = self._answer(method, url, more.get("body"), more.get("headers") or {})
        return HTTPResponse(io.BytesIO(json.dumps(given.body).encode()), status=given.status)

    def _answer(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Response:
        parts = urlsplit(url)
        content = body.read() if hasattr(body, "read") else body or b""
        try:
            fields, files = _read(bytes(content), headers.get("Content-Type", ""))
        except Refused as refused:
            return graph.refusal(refused)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        authorization = headers.get("Authorization", "")
        return graph.answer(self._page, Request(method, parts.path, query, fields, authorization, files))


def _read(content: bytes, content_type: str) -> Tuple[Dict[str, Any], Dict[str, File]]:
    if not content_type.startswith("multipart/"):
        return decode_body(content, content_type), {}
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = email.message_from_bytes(head + content, policy=email.policy.HTTP)
    fields: Dict[str, Any] = {}
    files: Dict[str, File] = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        value: bytes = part.get_payload(decode=True) or b""  # type: ignore[assignment]
        file = part.get_filename()
        if file is None:
            fields[name] = value.decode("utf-8", "replace")
        else:
            files[name] = (part.get_content_type(), value, file)
    return fields, files
