"""Answers whoever an error stopped: with an HTTP status and words."""

from __future__ import annotations

import logging
from typing import Mapping
from urllib.parse import quote

from handover_channel.errors import (
    CsrfRefused,
    HandoverError,
    InputRefused,
    NotLetIn,
    StoreUnavailable,
    TooManyAttempts,
    WrongPassword,
)
from handover_channel.inbox import answer
from handover_channel.inbox.answer import HEADERS, Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import BASE, Request, SignInFirst

logger = logging.getLogger(__name__)

_STATUS: Mapping[type, int] = {
    StoreUnavailable: 503,
    CsrfRefused: 403,
    WrongPassword: 403,
    TooManyAttempts: 429,
    HandoverError: 409,
}


def status_of(error: Exception) -> int:
    """Return the HTTP status of a refusal."""
    if isinstance(error, InputRefused):
        return error.status
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 409)


async def refusal(services: PageServices, request: Request, error: Exception) -> Answer:
    """Return what somebody reads whom *error* stopped."""
    if isinstance(error, SignInFirst):
        return _sign_in_first(request)
    if isinstance(error, NotLetIn):
        return await services.draw("refused.html", request, 403, reason=error.reason)
    if isinstance(error, StoreUnavailable):
        logger.error("the inbox has no database: %s", error)
    return await services.draw("_problem.html", request, status_of(error), text=str(error))


def _sign_in_first(request: Request) -> Answer:
    target = f"{BASE}/sign-in"
    if request.is_of_the_script:
        return Answer(401, {**HEADERS, "HX-Redirect": target})
    if request.method == "GET":
        target = f"{target}?next={quote(request.path)}"
    return answer.redirect(target)
