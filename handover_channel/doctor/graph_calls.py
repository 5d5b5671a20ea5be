"""Asks Meta what the checks want to know, each question once, within the doctor's deadline.

Nothing is repeated: what Meta does not answer now is not looked at. Secrets travel as in
graph_api/transport.py, and are struck from what Meta says.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from handover_channel.doctor.check import CouldNotLook
from handover_channel.doctor.report import Where
from handover_channel.errors import GraphUnavailable
from handover_channel.graph_api.errors import error_of
from handover_channel.graph_api.transport import Answer, Call, Transport, appsecret_proof
from handover_channel.sentences import Sentence

#: Characters from which on a secret is struck out: a shorter one is part of Meta's own words.
SHORTEST_SECRET = 8

#: Seconds to connect, and of each wait for more of an answer.
TIMEOUTS = (3.0, 10.0)


@dataclass(frozen=True)
class Seen:
    """When Meta's clock and ours were seen together, in seconds since the epoch."""

    theirs: float
    ours: float


class GraphCalls:
    """The Graph API as the checks use it; *once* keeps what was answered, *left* tells the seconds left.

    *hide*: secrets, which are struck from all that Meta answers, beside the app secret.
    *in_place_of_meta*: the address that is called if it is not Meta's, fit to be shown.
    """

    def __init__(
        self,
        transport: Transport,
        app_secret: str,
        *,
        hide: Tuple[str, ...],
        once: Callable[[Any, Callable[[], Any]], Any],
        left: Callable[[], float],
        clock: Callable[[], float],
        in_place_of_meta: str = "",
    ) -> None:
        self._transport = transport
        self._secret = app_secret
        self._hide = tuple(each for each in (app_secret, *hide) if len(each) >= SHORTEST_SECRET)
        self._once = once
        self._left = left
        self._clock = clock
        self._in_place_of_meta = in_place_of_meta
        self.clocks: List[Seen] = []  #: each time Meta has told what time it is

    def get(self, token: str, path: str, *, proof: bool = True, **query: str) -> Mapping[str, Any]:
        """Return Meta's answer to a GET of *path*, "/me/thread_owner".

        Raises the GraphError that a refusal stands for, and CouldNotLook if there is no answer.
        """
        key = ("graph", token, path, proof, tuple(sorted(query.items())))
        found: Mapping[str, Any] = self._once(
            key, lambda: self._made(Call("GET", path, token, self._proof(token, proof), query=query))
        )
        return found

    def post(self, token: str, path: str, body: Mapping[str, Any], *, proof: bool = True) -> Dict[str, Any]:
        """Change something at Meta: for fixes alone. Raises as `get`."""
        return self._made(Call("POST", path, token, self._proof(token, proof), body=body))

    def _proof(self, token: str, wanted: bool) -> str:
        return appsecret_proof(token, self._secret) if wanted and self._secret else ""

    def _made(self, call: Call) -> Dict[str, Any]:
        if not self._left():
            raise CouldNotLook(Sentence("there was no time left to ask Meta"), Sentence("look again later"))
        try:
            answer = self._transport.exchange(call)
            self._note_clock(answer)
            body = self._struck(answer.body)
            error = error_of(answer.status, body, hide=call.secrets)
            if error is not None:
                raise error
        except GraphUnavailable as error:
            raise self._unanswered(error) from None
        return dict(body)

    def _unanswered(self, error: GraphUnavailable) -> CouldNotLook:
        if not self._in_place_of_meta:
            return CouldNotLook(
                Sentence("Meta did not answer: %(said)s", said=error.said), Sentence("look again later")
            )
        return CouldNotLook(
            Sentence("Meta did not answer: %(said)s", said=error.said),
            Sentence(
                "calls go to %(url)s in place of Meta: start what is to answer there (`handover simulate`), "
                "or take `graph_api` out",
                url=self._in_place_of_meta,
            ),
            Where("handover.yml: graph_api"),
        )

    def _struck(self, body: Any) -> Any:
        """Return an answer without our secrets, which Meta could repeat anywhere."""
        try:
            written = json.dumps(body)
        except RecursionError:
            return None  # no answer of Meta's is that deep
        if not any(secret in written for secret in self._hide):
            return body
        for secret in self._hide:
            written = written.replace(secret, "***")
        return json.loads(written)

    def _note_clock(self, answer: Answer) -> None:
        told: Optional[str] = answer.headers.get("Date")
        with contextlib.suppress(TypeError, ValueError):
            self.clocks.append(Seen(parsedate_to_datetime(str(told)).timestamp(), self._clock()))
