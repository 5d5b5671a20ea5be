"""Plays a recording at a simulator, and says where the simulator would have behaved otherwise than Meta did.

1. What people and other apps did is done again, in the order in which the webhooks told of it, at the time of
   the recording. The bot's calls are made again, and are what is compared: status, code and subcode.
2. A webhook of the recording has to be one that the simulator sends, too: of that kind, on that channel.
   Receipts of delivery and reading are not compared: Meta leaves them out at will.
3. Who has control is compared where Meta has told it: in handover events, and in answers to thread_owner.

No I/O: `recording_file` reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from handover_channel.recording.recording_file import OF_BOT, OF_META, Entry, Recording
from handover_channel.simulator import graph
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.request import Request
from handover_channel.simulator.simulator import Simulator

_TOKEN = "recorded"  # noqa: S105 - of a simulator that nobody reaches
_RECEIPTS = frozenset({"delivery", "read"})
_HANDOVER_EVENTS = ("pass_thread_control", "take_thread_control", "request_thread_control", "app_roles")
_KINDS = (*_HANDOVER_EVENTS, "postback", "referral", "reaction", "optin", "delivery", "read")
_SECRETS = ("access_token", "appsecret_proof", "appsecret_time")


@dataclass(frozen=True)
class Sent:
    """An event of a webhook: what kind, on which channel, in whose thread."""

    kind: str
    channel: str
    psid: str


class Replay:
    """Plays one recording. *default_app*: whether the page has the bot as its default app.

    *after_each* is called with the simulator after each entry: who looks on.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        default_app: bool = True,
        watched: Callable[[Simulator], Callable[[], None]] = lambda page: lambda: None,
    ) -> None:
        self._recording, self._now = recording, 0.0
        self._page_id = _page_of(recording)
        self.page = Simulator(
            app_id=recording.app,
            page_id=self._page_id,
            token=_TOKEN,
            default_app="bot" if default_app else None,
            now=Clock(lambda: self._now),
        )
        self._seen = 0  # events to the bot that were looked at
        self._waiting: List[Tuple[Sent, int]] = []  # what the simulator sent and Meta has not yet
        self._after_each = watched(self.page)

    def differences(self) -> Iterator[str]:
        """Play it; yield file, line, what Meta did and what the simulator would, for each difference."""
        for entry in self._recording.entries:
            self._now = max(self._now, entry.facts["at"] / 1000)
            self.page.clock.tick()
            self.page.note_lapses()
            for said in self._played(entry):
                yield f"{self._recording.file}:{entry.line}: {said}"
            self._after_each()
        for sent, line in self._waiting:
            what = f"{sent.kind} on {sent.channel}"
            yield f"{self._recording.file}:{line}: the simulator would then send {what}, and Meta sent none"

    def _played(self, entry: Entry) -> List[str]:
        try:
            return self._call(entry) if entry.kind == OF_BOT else self._webhook(entry)
        except Exception as error:  # written by somebody else: nothing in it may end the comparison
            return [
                f"this cannot be played: it is not as Meta or a bot would send it ({type(error).__name__})"
            ]

    # --- the bot's calls --------------------------------------------------------------------------

    def _call(self, entry: Entry) -> List[str]:
        facts = entry.facts
        body = facts.get("body")
        query = {**_open(facts["query"]), "access_token": _TOKEN}
        given = _open(body) if isinstance(body, dict) else {}
        answer = graph.answer(self.page, Request(facts["method"], facts["path"], query, given))
        self._look(entry)
        if facts["status"] is None:
            return []
        by_meta, by_us = _outcome(facts["status"], facts.get("answer")), _outcome(answer.status, answer.body)
        what = f"{facts['method']} {facts['path'].rsplit('/', 1)[-1]}"
        if by_meta != by_us:
            return [f"{what}: Meta answered {by_meta}, the simulator would answer {by_us}"]
        owners = [_owner_told(each) for each in (facts.get("answer"), answer.body)]
        if what.endswith("thread_owner") and owners[0] != owners[1]:
            return [f"{what}: by Meta the owner is {_named(owners[0])}, by the simulator {_named(owners[1])}"]
        return []

    # --- Meta's webhooks --------------------------------------------------------------------------

    def _webhook(self, entry: Entry) -> List[str]:
        found: List[str] = []
        for channel, item in _items(entry.facts["body"]):
            sent = Sent(_kind_of(item), channel, self._psid_of(item))
            if sent.kind in _RECEIPTS or not sent.psid:
                continue
            if not self._is_waiting(sent):
                self._do(item, sent)
                self._look(entry)
            found += [*self._compared(sent), *self._owner_compared(sent, item)]
        return found

    def _is_waiting(self, sent: Sent) -> bool:
        return any((each.kind, each.psid) == (sent.kind, sent.psid) for each, _ in self._waiting)

    def _compared(self, sent: Sent) -> List[str]:
        for each in self._waiting:
            if (each[0].kind, each[0].psid) == (sent.kind, sent.psid):
                self._waiting.remove(each)
                if each[0].channel == sent.channel:
                    return []
                return [
                    f"{sent.kind}: Meta sent it on {sent.channel}, the simulator would on {each[0].channel}"
                ]
        return [f"{sent.kind} on {sent.channel}: Meta sent it, the simulator would not"]

    def _owner_compared(self, sent: Sent, item: Mapping[str, Any]) -> List[str]:
        given = item.get(sent.kind)
        if sent.kind not in ("pass_thread_control", "take_thread_control") or not isinstance(given, dict):
            return []
        told = _text(given.get("new_owner_app_id"))
        owner = self.page.owner(sent.psid)
        if told == owner:
            return []
        return [f"{sent.kind}: by Meta the owner is {_named(told)}, by the simulator {_named(owner)}"]

    def _look(self, entry: Entry) -> None:
        """Take note of what the simulator has sent to the bot since the last look."""
        events = self.page.events_of("bot")
        for each in events[self._seen :]:
            if each["kind"] not in _RECEIPTS:
                sent = Sent(_kind_of(each["item"]), each["channel"], self._psid_of(each["item"]))
                self._waiting.append((sent, entry.line))
        self._seen = 0 if len(events) < self._seen else len(events)

    def _psid_of(self, item: Mapping[str, Any]) -> str:
        ends = [item.get(end) for end in ("sender", "recipient")]
        ids = [_text(end.get("id")) for end in ends if isinstance(end, dict)]
        return next((each for each in ids if each and each != self._page_id), "")

    # --- doing again what the webhooks tell -------------------------------------------------------

    def _do(self, item: Mapping[str, Any], sent: Sent) -> None:
        does: Dict[str, Callable[[Mapping[str, Any], str], object]] = {
            "message": self._says,
            "echo": self._writes,
            "postback": lambda given, psid: self.page.person(psid).taps_menu(
                _text(given.get("payload")), _text(given.get("title"))
            ),
            "referral": lambda given, psid: self.page.person(psid).comes_by(_text(given.get("ref"))),
            "optin": lambda given, psid: self.page.person(psid).opts_in(_text(given.get("payload"))),
            "reaction": lambda given, psid: self.page.person(psid).reacts(_text(given.get("mid"))),
            "pass_thread_control": self._passes,
            "take_thread_control": self._takes,
            "request_thread_control": self._requests,
        }
        act = does.get(sent.kind)
        given = item.get("message" if sent.kind in ("message", "echo") else sent.kind)
        if act is not None and isinstance(given, dict):
            act(given, sent.psid)

    def _says(self, given: Mapping[str, Any], psid: str) -> None:
        message = {key: given[key] for key in ("text", "quick_reply", "attachments") if key in given}
        self.page.person(psid)._sends(message)

    def _writes(self, given: Mapping[str, Any], psid: str) -> None:
        """Have another app write what this echo shows."""
        author = _text(given.get("app_id")) or PAGE_INBOX
        text = _text(given.get("text")) or "(a file)"
        if author == PAGE_INBOX:
            self.page.inbox.replies(psid, text)
        elif author != self.page.bot.id:
            self.page.admit(author)
            self.page.app(author).says(psid, text)

    def _passes(self, given: Mapping[str, Any], psid: str) -> None:
        self._control(psid, _text(given.get("previous_owner_app_id")), "passes", given)

    def _takes(self, given: Mapping[str, Any], psid: str) -> None:
        self._control(psid, _text(given.get("new_owner_app_id")), "takes", given)

    def _requests(self, given: Mapping[str, Any], psid: str) -> None:
        self._control(psid, _text(given.get("requested_owner_app_id")), "requests", given)

    def _control(self, psid: str, app_id: str, does: str, given: Mapping[str, Any]) -> None:
        if app_id in ("", self.page.bot.id):
            return
        if app_id == PAGE_INBOX:
            (self.page.inbox.done if does == "passes" else self.page.inbox.moves_to_main)(psid)
            return
        self.page.admit(app_id)
        app = self.page.app(app_id)
        if does == "passes":
            app.passes(psid, self.page.bot.id, _text(given.get("metadata")))
        else:
            (app.takes if does == "takes" else app.requests)(psid)


def _page_of(recording: Recording) -> str:
    """Return the page that the webhooks are about; the head has a guess where the settings name none."""
    bodies = (entry.facts["body"] for entry in recording.entries if entry.kind == OF_META)
    found = (each.get("id") for body in bodies for each in _listed(body.get("entry")))
    return next((_text(each) for each in found if _text(each)), recording.page)


def _listed(given: Any) -> List[Mapping[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _items(body: Mapping[str, Any]) -> Iterator[Tuple[str, Mapping[str, Any]]]:
    for entry in _listed(body.get("entry")):
        for channel in ("messaging", "standby"):
            for item in _listed(entry.get(channel)):
                yield channel, item


def _kind_of(item: Mapping[str, Any]) -> str:
    message = item.get("message")
    if isinstance(message, dict):
        return "echo" if message.get("is_echo") else "message"
    return next((kind for kind in _KINDS if kind in item), "something unknown")


def _open(given: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in given.items() if key not in _SECRETS}


def _text(given: Any) -> str:
    return "" if given is None or isinstance(given, (dict, list)) else str(given)


def _outcome(status: int, answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return str(status)
    subcode = error.get("error_subcode")
    return f"{status} ({error.get('code')}{f'/{subcode}' if subcode else ''})"


def _owner_told(answer: Any) -> Optional[str]:
    try:
        return _text(answer["data"][0]["thread_owner"]["app_id"])
    except (TypeError, KeyError, IndexError):
        return None


def _named(owner: Optional[str]) -> str:
    return {"": "nobody", PAGE_INBOX: "the Page inbox"}.get(owner or "", owner or "nobody")
