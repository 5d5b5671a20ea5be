"""Answers whoever an error stopped: with an HTTP status and words."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Mapping, Type, Union
from urllib.parse import quote

from handover_channel.errors import (
    AskFirst,
    CsrfRefused,
    HandoverError,
    InputRefused,
    NotAllowed,
    NotKnown,
    NotLetIn,
    NotUsable,
    StoreUnavailable,
    TooLarge,
    TooManyAttempts,
    WrongPassword,
)
from handover_channel.inbox import answer
from handover_channel.inbox.answer import HEADERS, Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import BASE, Request, SignInFirst
from handover_channel.sentences import Sentence

logger = logging.getLogger(__name__)

#: Any other is a conflict with how things are.
STATUSES: Mapping[Type[HandoverError], int] = {
    NotUsable: 400,
    NotAllowed: 403,
    CsrfRefused: 403,
    NotLetIn: 403,
    WrongPassword: 403,
    NotKnown: 404,
    TooLarge: 413,
    TooManyAttempts: 429,
    StoreUnavailable: 503,
}
CONFLICT = 409

FAULT = Sentence(
    "the server could not do that -> try again; if it lasts, whoever runs the bot finds the reason in the log"
)
NO_DATABASE = Sentence("the database cannot be reached -> try again in a minute; nothing you typed is lost")


def status_of(error: Exception) -> int:
    """Return the HTTP status of a refusal."""
    if isinstance(error, InputRefused):
        return error.status
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), CONFLICT)


async def refusal(
    services: PageServices, request: Request, error: Union[HandoverError, SignInFirst]
) -> Answer:
    """Return what somebody reads whom *error* stopped."""
    if isinstance(error, SignInFirst):
        return _sign_in_first(request)
    if isinstance(error, NotLetIn):
        return await services.draw("refused.html", request, status_of(error), reason=error.reason)
    if isinstance(error, StoreUnavailable):  # what it says is for those who run it
        logger.error("the inbox has no database: %s", error)
        return await _problem(services, request, status_of(error), NO_DATABASE)
    if isinstance(error, AskFirst):
        return await _question(services, request, error)
    return await _problem(services, await _with_visitor(services, request), status_of(error), error.text)


async def _question(services: PageServices, request: Request, error: AskFirst) -> Answer:
    """Return what is asked before a reply goes; nothing is kept yet, so a page of its own has the text."""
    template = "_question.html" if request.is_of_the_script else "question.html"
    fields = {
        name: request.form.fields[name] for name in ("key", "text", "reply") if name in request.form.fields
    }
    return await services.draw(template, request, status_of(error), question=error, fields=fields)


async def fault(services: PageServices, request: Request) -> Answer:
    """Return what somebody reads where we have failed ourselves: what happened is in the log."""
    return await _problem(services, request, 500, FAULT)


async def _problem(services: PageServices, request: Request, status: int, text: Sentence) -> Answer:
    """Return *text* to be put into the page, or as a page of its own where no script asks."""
    template = "_problem.html" if request.is_of_the_script else "problem.html"
    return await services.draw(template, request, status, text=text)


async def _with_visitor(services: PageServices, request: Request) -> Request:
    """Return *request* with its visitor, where that was not looked up: they read it in their language."""
    if request.visitor is not None or not request.cookie:
        return request
    with suppress(HandoverError):
        found = await services.call(services.auth.who, request.cookie, renew=False)
        return replace(request, visitor=found)
    return request


def _sign_in_first(request: Request) -> Answer:
    target = f"{BASE}/sign-in"
    if request.is_of_the_script:
        return Answer(401, {**HEADERS, "HX-Redirect": target})
    if request.method == "GET":
        target = f"{target}?next={quote(request.path)}"
    return answer.redirect(target)
