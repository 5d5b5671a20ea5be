"""Sends one message of a reply to the person, by Meta's Send API or by one of Rasa's channels.

1. A message to Meta carries its tag as `metadata`, so that the echo tells which message was sent.
2. It goes out under the agent's persona (graph_api/personas.py) if there is one; if Meta refuses it with the
   persona, it is sent without.
3. Of an error that a channel's own library raises only the kind is told: its text may hold anything.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional, Sequence

from handover_channel import log
from handover_channel.errors import GraphError, HandoverError, Refused
from handover_channel.graph_api.client import GraphApi, Upload
from handover_channel.graph_api.personas import Personas
from handover_channel.graph_api.remedies import Caller, meant_for
from handover_channel.messenger.events import MESSENGER, OUR_METADATA
from handover_channel.replies.sending_rules import NOT_REACHABLE, PortOf
from handover_channel.replies.sent_parts import SentPart
from handover_channel.rules.messaging_window import messaging_type
from handover_channel.settings.loader import Settings
from handover_channel.store import Store
from handover_channel.store.replies import File
from handover_channel.store.threads import Thread

logger = log.logger(__name__)


class ReplyDelivery:
    """A delivery takes one message of a reply to the channel of its thread."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        graph: GraphApi,
        clock: Callable[[], float],
        port_of: PortOf,
    ) -> None:
        self._settings = settings
        self._graph = graph
        self._clock = clock
        self._port_of = port_of
        self._personas = Personas(store, graph, clock) if settings.inbox.personas else None

    def send(
        self, row: Thread, agent: str, part: SentPart, message: Mapping[str, Any], file: Optional[File]
    ) -> str:
        """Send *message* (as the Send API takes it) for *agent*; return its `mid`, "" where there is none.

        *file* goes with a message that is an attachment. Raises HandoverError where it is not taken.
        """
        if row.channel == MESSENGER:
            return self._by_meta(row, agent, part, message, file)
        self._by_rasa(row, str(message["text"]))
        return ""

    def _by_meta(
        self, row: Thread, agent: str, part: SentPart, message: Mapping[str, Any], file: Optional[File]
    ) -> str:
        token = self._settings.token_for(row.page)
        body: Dict[str, Any] = {
            "recipient": {"id": row.id},
            **messaging_type(row.silence(self._clock())),
            "message": {"metadata": f"{OUR_METADATA}{part.tag}", **message},
        }
        with meant_for(Caller.AGENT, body.get("tag", "")):
            return self._under_their_name(row, agent, token, body, (Upload(*file),) if file else ())

    def _under_their_name(
        self, row: Thread, agent: str, token: str, body: Mapping[str, Any], uploads: Sequence[Upload]
    ) -> str:
        persona = self._personas.of(agent, row.page, token) if self._personas else ""
        if not (persona and self._personas):
            return _mid(self._graph.send(token, body, *uploads))
        try:
            return _mid(self._graph.send(token, {**body, "persona_id": persona}, *uploads))
        except GraphError as error:
            if type(error) is not GraphError:
                raise  # not about the persona: it has a meaning of its own
            mid = _mid(self._graph.send(token, body, *uploads))
            logger.warning("thread %s: sent again, without the agent's persona: %s", row.id, error)
            self._personas.forget(agent, row.page)
            return mid

    def _by_rasa(self, row: Thread, text: str) -> None:
        port = self._port_of(row.channel)
        if port is None:
            raise Refused(NOT_REACHABLE)
        try:
            port(row.id, text)
        except HandoverError:
            raise
        except Exception as error:  # rule 3
            raise Refused(
                "channel %(channel)r did not take it (%(error)s) -> send it again",
                channel=row.channel,
                error=type(error).__name__,
            ) from error


def _mid(answer: Mapping[str, Any]) -> str:
    return str(answer.get("message_id", ""))
