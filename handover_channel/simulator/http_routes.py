"""Serves what is no call of the control API: pages, files that people and apps send, pictures, health.

=================================== ===========================================
GET  /, /settings                   the page; the settings of Meta's pages
GET  /inbox?person=                 on to the thread in the bot's own inbox
GET  /simulator/page/{name}         what the two load
GET  /simulator/files/{number}/...  a file that was sent
GET  /simulator/pictures/{psid}.png a person's picture
GET  /health, /simulator/health     ``{"status": "ok"}``
=================================== ===========================================

Whatever else is below /simulator/ is a 404 with ``{"error": "<sentence>"}``.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from handover_channel.simulator.bot_at_hand import BotsWord, CannotBeAsked
from handover_channel.simulator.pictures import portrait
from handover_channel.simulator.simulator import Simulator

STATIC_FILES = Path(__file__).with_name("static")

#: The page loads nothing from elsewhere, but for pictures and sounds that the bot sends.
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src * data:; media-src *; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

#: Each time another key: no browser keeps the answer, and nobody reads it where it leads.
_NOT_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

#: Types of uploads that a browser may show; anything else is offered for download.
_UPLOADS_SHOWN = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp"}
    | {f"audio/{kind}" for kind in ("mpeg", "mp4", "ogg", "wav", "webm", "aac")}
    | {f"video/{kind}" for kind in ("mp4", "webm", "ogg", "quicktime")}
)


def add_routes(app: web.Application, simulator: Simulator, bots_word: BotsWord) -> None:
    """Add all of them to *app*, after the calls of the API: the last one takes what is left."""

    async def file(request: web.Request) -> web.Response:
        kept = simulator.files.get(request.match_info["number"])
        if kept is None:
            raise web.HTTPNotFound
        return _upload(*kept)

    async def inbox(request: web.Request) -> web.Response:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise web.HTTPForbidden(text="a page of elsewhere cannot open the inbox -> open it yourself")
        try:
            raise web.HTTPSeeOther(await bots_word.way_in(request.query.get("person", "")), headers=_NOT_KEPT)
        except CannotBeAsked as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None

    get = app.router.add_get
    get("/", _page)
    get("/settings", _settings_page)  # as facebook.com/settings?tab=...
    get("/inbox", inbox)
    get("/favicon.ico", _no_icon)
    get("/simulator/page/{name}", _asset)
    get("/simulator/files/{number}", file)
    get("/simulator/files/{number}/{name}", file)
    get("/simulator/pictures/{psid}.png", _picture)
    get("/health", _health)
    get("/simulator/health", _health)
    app.router.add_route("*", "/simulator/{rest:.*}", _nowhere)


async def _page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC_FILES / "index.html", headers=_SECURITY)


async def _settings_page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC_FILES / "settings.html", headers=_SECURITY)


async def _asset(request: web.Request) -> web.FileResponse:
    name = request.match_info["name"]
    # Never a path that leads out of the folder.
    if name not in {path.name for path in STATIC_FILES.iterdir()}:
        raise web.HTTPNotFound
    return web.FileResponse(STATIC_FILES / name, headers=_SECURITY)


async def _no_icon(request: web.Request) -> web.Response:
    return web.Response(status=204)  # browsers ask for it; the Graph API would see an object's id


async def _picture(request: web.Request) -> web.Response:
    return web.Response(body=portrait(request.match_info["psid"]), content_type="image/png")


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _nowhere(request: web.Request) -> web.Response:
    return web.json_response({"error": f"nothing at {request.path}"}, status=404)


def _upload(content_type: str, content: bytes) -> web.Response:
    safe = {"X-Content-Type-Options": "nosniff"}
    if content_type not in _UPLOADS_SHOWN:
        safe["Content-Disposition"] = "attachment"
        content_type = "application/octet-stream"
    return web.Response(body=content, content_type=content_type, headers=safe)
