"""Stands between a bot and Meta, forwards what each sends the other, and records it without secrets.

1. The bot's calls go to the Graph API as they are, token and all; Meta's webhooks go to the bot byte by byte,
   with their signatures. Redirects are given to who asked, and not followed.
2. Forwarding never depends on recording: what cannot be recorded is told in the log, and goes through.
3. If Meta cannot be reached, the bot gets an error in Meta's shape (code 2), and the log has a line.

https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, AsyncIterator, Callable, Dict, Mapping, Optional
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from handover_channel import log
from handover_channel.errors import HandoverError
from handover_channel.recording.masking import Masker
from handover_channel.recording.recording_file import OF_BOT, OF_META, RecordingWriter, heading
from handover_channel.rules.limits import PROXIED_BODY, PROXIED_SECONDS, RECORDED_BODY
from handover_channel.settings.locations import LOOPBACK

logger = log.logger(__name__)

#: Of one connection, and not of what is sent: RFC 9110, section 7.6.1.
_HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "host",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Between:
    """Whom the proxy stands between. *graph_api*: base URL; *callback*: the bot's webhook."""

    graph_api: str
    callback: str
    app_id: str
    page_id: str

    @property
    def webhook_path(self) -> str:
        """The path at which Meta's webhooks come: that of the bot's own."""
        return urlsplit(self.callback).path or "/"


def problem_of_target(url: str) -> str:
    """Return what is wrong with the address of a Graph API, "" for nothing: a token goes there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"--proxy: {url!r} is no URL -> write https://graph.facebook.com"
    if not host or parts.path.strip("/") or parts.query or parts.username:
        return f"--proxy: {url!r} is no base URL of the Graph API -> write https://graph.facebook.com"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return (
        f"--proxy: {url!r} would get the token in the clear -> write https://, or an address of this machine"
    )


class Copy:
    """The first bytes of a body on its way, for the recording."""

    def __init__(self) -> None:
        self.bytes, self.size = bytearray(), 0

    def add(self, chunk: bytes) -> None:
        """Take note of a chunk. Raises ValueError where the body is larger than any."""
        self.size += len(chunk)
        if self.size > PROXIED_BODY.value:
            raise ValueError(f"the body is larger than {PROXIED_BODY.value} bytes")
        if self.size <= RECORDED_BODY.value:
            self.bytes += chunk

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.size == len(self.bytes)


@dataclass
class _Exchange:
    """What is recorded of a call or webhook."""

    n: int
    kind: str
    at: int
    request: Copy = field(default_factory=Copy)
    answer: Copy = field(default_factory=Copy)
    status: Optional[int] = None
    encoding: str = ""
    error: str = ""


class Recorder:
    """Writes exchanges into a recording, in a thread of its own. *now*: seconds since the epoch."""

    def __init__(
        self,
        writer: RecordingWriter,
        masker: Masker,
        between: Between,
        *,
        keep_texts: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._writer, self._masker, self._now = writer, masker, now
        self._count, self._told = 0, False
        self._thread = ThreadPoolExecutor(1, "recording")
        self._thread.submit(
            self._write,
            lambda: heading(masker.id(between.app_id), masker.id(between.page_id), keep_texts=keep_texts),
        )

    def begin(self, kind: str) -> _Exchange:
        """Begin an exchange: calls and webhooks are numbered as they begin."""
        self._count += 1
        return _Exchange(self._count, kind, int(self._now() * 1000))

    def end(self, exchange: _Exchange, request: web.Request) -> None:
        """Write what came of it."""
        head = (request.method, request.rel_url.raw_path, request.rel_url.raw_query_string)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._thread.submit(self._write, lambda: self._facts(exchange, head, headers))

    def close(self) -> None:
        """Write what is left."""
        self._thread.shutdown()
        self._writer.close()

    def _write(self, facts: Callable[[], Mapping[str, Any]]) -> None:
        try:
            if not self._writer.write(facts()) and not self._told:
                self._told = True
                logger.error("--record: the recording is full; what follows is forwarded, and not recorded.")
        except Exception as error:  # what cannot be recorded is told; its text might hold a secret
            logger.error("--record: a line could not be written (%s).", type(error).__name__)

    def _facts(self, given: _Exchange, head: Any, headers: Mapping[str, str]) -> Dict[str, Any]:
        method, path, query = head
        masker = self._masker
        common = {"n": given.n, "at": given.at, "kind": given.kind}
        came_of_it = {"status": given.status, **({"error": given.error} if given.error else {})}
        body = _read(given.request, headers.get("content-type", ""), headers.get("content-encoding", ""))
        if given.kind == OF_META:
            shown = masker.value(body) if isinstance(body, dict) else {}
            return {**common, "body": shown, **came_of_it}
        parameters = {**dict(parse_qsl(query, keep_blank_values=True)), **(body if body else {})}
        for key in ("access_token", "appsecret_proof", "input_token"):
            masker.learn(str(parameters.get(key) or ""))
        masker.learn(headers.get("authorization", "").partition(" ")[2])
        answer = _read(given.answer, "application/json", given.encoding)
        call = {"method": method, "path": masker.path(path), "query": masker.query(query)}
        return {**common, **call, "body": masker.value(body), **came_of_it, "answer": masker.value(answer)}


def _read(copy: Copy, content_type: str, encoding: str) -> Any:
    """Return the JSON or form of a body; of any other how many bytes it has."""
    content = bytes(copy.bytes)
    if not copy.size:
        return {}
    if not copy.is_whole:
        return {"bytes": copy.size}
    if encoding in ("gzip", "deflate"):
        with contextlib.suppress(zlib.error):
            content = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(content, RECORDED_BODY.value)
    text = content.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    if "urlencoded" in content_type:
        return dict(parse_qsl(text, keep_blank_values=True))
    return {"bytes": copy.size}


class Proxy:
    """The web application. Lives in one event loop; *recorder* is closed by whoever made it."""

    def __init__(self, between: Between, recorder: Recorder) -> None:
        self._between, self._recorder = between, recorder
        seconds = aiohttp.ClientTimeout(total=PROXIED_SECONDS.value)
        self._http = aiohttp.ClientSession(
            timeout=seconds, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    def application(self) -> web.Application:
        """Return what is served."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._forward)
        return app

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if request.path != self._between.webhook_path:
            return await self._recorded(
                request, OF_BOT, self._between.graph_api.rstrip("/") + request.raw_path
            )
        query = f"?{request.rel_url.raw_query_string}" if request.query_string else ""
        url = self._between.callback + query
        if request.method != "POST":  # the handshake: nothing but the verify token
            return await self._answer_of(request, url, _Exchange(0, OF_META, 0))
        return await self._recorded(request, OF_META, url)

    async def _recorded(self, request: web.Request, kind: str, url: str) -> web.StreamResponse:
        exchange = self._recorder.begin(kind)
        try:
            return await self._answer_of(request, url, exchange)
        finally:
            self._recorder.end(exchange, request)

    async def _answer_of(self, request: web.Request, url: str, exchange: _Exchange) -> web.StreamResponse:
        response: Optional[web.StreamResponse] = None
        headers = [(name, value) for name, value in request.headers.items() if _is_sent(name)]
        data = _copied(request.content, exchange.request) if request.body_exists else None
        try:
            async with self._http.request(
                request.method,
                URL(url, encoded=True),
                headers=headers,
                data=data,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            ) as answer:
                exchange.status, exchange.encoding = (
                    answer.status,
                    answer.headers.get("Content-Encoding", ""),
                )
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                for name, value in answer.headers.items():
                    if _is_sent(name):
                        response.headers.add(name, value)
                await response.prepare(request)
                async for chunk in _copied(answer.content, exchange.answer):
                    await response.write(chunk)
                await response.write_eof()
                return response
        except (asyncio.TimeoutError, aiohttp.ClientError, ValueError, OSError) as error:
            return self._not_reached(exchange, error, response)

    def _not_reached(
        self, exchange: _Exchange, error: Exception, begun: Optional[web.StreamResponse]
    ) -> web.StreamResponse:
        whom = "the bot" if exchange.kind == OF_META else "the Graph API"
        exchange.error = f"{whom} was not reached ({type(error).__name__})"
        logger.error("The proxy did not reach %s (%s).", whom, type(error).__name__)
        if (
            begun is not None
        ):  # what has been sent cannot be taken back: end it, so that it is not taken for whole
            raise error
        said = f"The proxy could not reach {whom}."
        shaped = {"message": said, "type": "OAuthException", "code": 2, "is_transient": True}
        return web.json_response({"error": {**shaped, "fbtrace_id": "proxy"}}, status=503)


def _is_sent(name: str) -> bool:
    return name.lower() not in _HOP_BY_HOP


async def _copied(content: Any, copy: Copy) -> AsyncIterator[bytes]:
    async for chunk in content.iter_any():
        copy.add(chunk)
        yield chunk


@contextlib.asynccontextmanager
async def serve(
    between: Between, recorder: Recorder, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve the proxy in the running event loop; yields its base URL. Raises HandoverError."""
    problem = problem_of_target(between.graph_api)
    if problem:
        raise HandoverError(problem)
    proxy = Proxy(between, recorder)
    runner = web.AppRunner(proxy.application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        await proxy.close()
