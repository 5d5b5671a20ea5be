"""Answers at the addresses of our own files, and of what people and bots sent.

Addresses of elsewhere are fetched only where we gave them to this visitor ourselves (media_links.py), a few
at a time from one host: a slow host keeps nobody from the files of others. They may do nothing in a browser.
"""

from __future__ import annotations

import functools
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Mapping, Sequence
from urllib.parse import urlsplit

from handover_channel.errors import NotKnown, Refused
from handover_channel.inbox import answer, media_links
from handover_channel.inbox.answer import HEADERS, Answer
from handover_channel.inbox.concurrency import call_in
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import Request
from handover_channel.inbox.route import Route, Who

STATIC = Path(__file__).with_name("static")

#: Seconds for which a browser may keep what people sent.
BROWSER_KEEPS_SECONDS = 3600

#: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy/sandbox
_FOREIGN = {
    **HEADERS,
    "Cache-Control": f"private, max-age={BROWSER_KEEPS_SECONDS}",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


@lru_cache(maxsize=1)
def own_files() -> Mapping[str, bytes]:
    """Return the page's own files by name, as they were at the first look: no path leads anywhere else."""
    return {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}


async def show_static(services: PageServices, request: Request) -> Answer:
    """Return a file of the page's own. Raises NotKnown where there is none of that name."""
    name = request.in_path["name"]
    content = own_files().get(name)
    if content is None:
        raise NotKnown("there is no such file -> load the page anew")
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Answer(304, headers)
    return answer.content(content, mimetypes.guess_type(name)[0] or "application/octet-stream", headers)


async def show_picture(services: PageServices, request: Request) -> Answer:
    """Return the picture of a thread's person, or of nobody."""
    address = await services.call(services.queries.picture_of, request.thread)
    try:
        return await _fetched(services, request, address)
    except Refused:  # Meta's addresses of pictures end to work after some days
        return answer.content(own_files()["person.svg"], "image/svg+xml", _FOREIGN)


async def show_file(services: PageServices, request: Request) -> Answer:
    """Return what lies at an address of elsewhere. Raises NotKnown for one that we did not give."""
    address = request.argument("of")
    if not media_links.is_proven(request.you, address, request.argument("proof")):
        raise NotKnown("this file was not found in a conversation of yours -> load the page anew")
    return await _fetched(services, request, address)


async def _fetched(services: PageServices, request: Request, address: str) -> Answer:
    if not address:
        raise NotKnown("there is no picture of this customer -> nothing is wrong")
    fetch = functools.partial(call_in, services.pools.files, services.media_proxy.fetch, address)
    found = await services.limiter.at(f"{request.you.proof_key} {urlsplit(address).hostname}", fetch)
    return answer.content(found.content, found.type, {**_FOREIGN, **found.headers})


ROUTES: Sequence[Route] = (
    Route("GET", "/static/<name>", show_static, Who.ANYBODY),
    Route("GET", "/picture/<thread>", show_picture),
    Route("GET", "/file", show_file),
)
