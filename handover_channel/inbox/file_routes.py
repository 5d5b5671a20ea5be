"""The addresses of our own files, and of what people and bots sent.

Addresses of elsewhere are fetched only where we gave them to this visitor ourselves (web.proof), a few at a
time from one host: a slow host keeps nobody from the files of others. They may do nothing in the browser.
"""

from __future__ import annotations

import functools
import hashlib
import mimetypes
from pathlib import Path
from urllib.parse import urlsplit

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, raw

from handover_channel.errors import HandoverRefused
from handover_channel.inbox import http
from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.http import HEADERS
from handover_channel.inbox.page_services import PageServices

STATIC = Path(__file__).with_name("static")

#: Seconds for which a browser may keep what people sent.
KEEP = 3600


def add(routes: Blueprint, room: PageServices) -> None:
    """Add them to the page's routes."""
    front = room.front
    ours = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}

    @routes.get("/static/<name>")
    async def static(request: Request, name: str) -> HTTPResponse:
        content = ours.get(name)  # of those that were there at start: no path leads anywhere else
        if content is None:
            return await front.page("_problem.html", request, status=404, text="there is no such file")
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return HTTPResponse(status=304, headers=headers)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return raw(content, headers=headers, content_type=kind)

    @routes.get("/picture/<thread>")
    async def picture(request: Request, thread: str) -> HTTPResponse:
        visitor = await front.visitor(request)
        address = await front.call(room.reader.picture_of, http.thread_of(thread))
        try:
            return await _file(room, visitor, address)
        except HandoverRefused:  # Meta's addresses of pictures end to work after some days
            return raw(ours["person.svg"], headers=_FOREIGN, content_type="image/svg+xml")

    @routes.get("/file")
    async def file(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        address = http.argument(request, "of")
        if not http.is_proven(visitor, address, http.argument(request, "proof")):
            raise HandoverRefused("this file was not found in a conversation of yours -> load the page anew")
        return await _file(room, visitor, address)


#: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy/sandbox
_FOREIGN = {
    **HEADERS,
    "Cache-Control": f"private, max-age={KEEP}",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


async def _file(room: PageServices, visitor: Visitor, address: str) -> HTTPResponse:
    if not address:
        raise HandoverRefused("there is no picture of this person -> nothing is wrong")
    fetch = functools.partial(http.call_in, room.pools.files, room.files.fetch, address)
    found = await room.fetching.at(f"{visitor.proof_key} {urlsplit(address).hostname}", fetch)
    return raw(found.content, headers={**_FOREIGN, **found.headers}, content_type=found.type)
