"""Describes one address of the page: which function answers there, to whom, and how much it reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Awaitable, Callable

from handover_channel.inbox.answer import Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import Request
from handover_channel.rules import limits
from handover_channel.rules.limits import Body


class Who(Enum):
    """Whom an address answers."""

    ANYBODY = "anybody"
    SIGNED_IN = "who is signed in"  #: or has come in by a link where there are no agents
    ADMIN = "an admin"  #: others read that it is for admins (403)


@dataclass(frozen=True)
class Route:
    """One address. *path* is below BASE; `<name>` in it is a segment, which the request has `in_path`.

    A POST counts only from our own page, whoever may send it (admission.py).
    """

    method: str  #: "GET", "POST"
    path: str
    answer: Callable[[PageServices, Request], Awaitable[Answer]]
    who: Who = Who.SIGNED_IN
    body: Body = limits.FORM  #: of a POST
