"""Masks what a recording must not tell: secrets, ids, names and texts of people. No I/O.

1. Only what is known to be harmless stays: words of Meta's protocol, codes, times. Whatever is not known is
   masked, so that a field that Meta invents tomorrow is masked, too.
2. The same id is the same placeholder everywhere, and the same `mid`.
3. A text keeps its shape: letters become "x" or "X", digits "0", and all else stays where it is. With
   *keep_texts* texts of messages stay, without long numbers and the secrets that are known.
"""

from __future__ import annotations

import json
import re
from typing import Any, Collection, Dict, List, Mapping, Optional, Set
from urllib.parse import parse_qsl

from handover_channel.simulator import refusals
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.refusals import Refusal

#: Keys of secrets: their values go, whatever they are.
SECRET_KEYS = frozenset(
    {
        "access_token", "appsecret_proof", "appsecret_time", "app_secret", "client_secret", "input_token",
        "verify_token", "custom_token", "notification_messages_token", "token", "secret", "password",
        "fb_exchange_token", "code_verifier", "signature",
    }
)  # fmt: skip
SECRET = "<secret>"  # noqa: S105 - stands in the place of one

#: Keys whose text is a word of Meta's protocol, and stays if it is one or looks like one.
_KEYS_OF_WORDS = frozenset(
    {
        "object", "type", "messaging_type", "tag", "sender_action", "template_type", "control_type", "action",
        "source", "method", "content_type", "notification_type", "reaction", "fields", "subscribed_fields",
        "image_aspect_ratio",
    }
)  # fmt: skip
_KNOWN_WORDS = frozenset(
    {
        "RESPONSE", "UPDATE", "MESSAGE_TAG", "HUMAN_AGENT", "ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE",
        "POST_PURCHASE_UPDATE", "REGULAR", "SILENT_PUSH", "NO_PUSH", "OPEN_THREAD", "SHORTLINK", "ADS",
        "OAuthException", "GraphMethodException", "GET", "POST", "DELETE",
    }
)  # fmt: skip
#: Words as Meta writes them, of letters a person's secret is not made of.
_PROTOCOL_WORD = re.compile(
    r"[a-z]{1,16}(_[a-z]{1,16}){0,4}(,[a-z]{1,16}(_[a-z]{1,16}){0,4}){0,40}", re.ASCII
)
_KEY = re.compile(r"[a-z]{1,16}([_.][a-z]{1,16}){0,5}", re.ASCII)
#: Keys whose number stays: codes, and what says nothing of a person; none that is as long as an id.
_NUMBERS = frozenset({"code", "error_subcode", "timestamp", "time", "watermark", "duration", "expiration"})
_LONGEST_NUMBER = 10**14
#: Keys below which words stand that *keep_texts* keeps.
_TEXTS = frozenset({"text", "title", "subtitle", "payload"})
#: Keys of names that Meta gives to messages.
_MIDS = frozenset({"mid", "message_id", "mids"})

_ID = re.compile(r"(?<![0-9A-Za-z])[0-9]{5,}(?![0-9A-Za-z])", re.ASCII)
_EDGE = re.compile(r"[a-z][a-z_]{1,40}", re.ASCII)
_VERSION_IN_PATH = re.compile(r"v[0-9]{1,3}\.[0-9]", re.ASCII)
#: What Meta is known to say of a refusal; whatever else it says may quote the call.
_META_SAYS = frozenset(each.message for each in vars(refusals).values() if isinstance(each, Refusal))
_DEEPEST = 40


class Masker:
    """Masks the calls of one recording. *secrets*: what is never written, wherever it is.

    *known*: ids that get a name instead of a number (the bot's app, the page): id -> placeholder.
    """

    def __init__(
        self,
        secrets: Collection[str] = (),
        known: Optional[Mapping[str, str]] = None,
        *,
        keep_texts: bool = False,
    ) -> None:
        self._secrets: Set[str] = {each for each in secrets if len(each) >= 4}
        self._ids: Dict[str, str] = {PAGE_INBOX: PAGE_INBOX, **(known or {})}
        self._mids: Dict[str, str] = {}
        self._keep_texts = keep_texts

    def learn(self, secret: str) -> None:
        """Take *secret* for one from now on: a token that a call came with."""
        if len(secret) >= 4:
            self._secrets.add(secret)

    # --- values -----------------------------------------------------------------------------------

    def value(self, given: Any, key: str = "", depth: int = 0) -> Any:
        """Return JSON without what it must not tell. *key*: below which it stands."""
        if key.lower() in SECRET_KEYS and not (key == "token" and isinstance(given, (dict, list))):
            return SECRET if given not in (None, "") else given
        if depth > _DEEPEST:
            return "<too deep>"
        if isinstance(given, Mapping):
            return {
                self._key(str(name)): self.value(each, str(name), depth + 1) for name, each in given.items()
            }
        if isinstance(given, (list, tuple)):
            return [self.value(each, key, depth + 1) for each in given]
        if given is None or isinstance(given, bool):
            return given
        if isinstance(given, (int, float)):
            is_harmless = key in _NUMBERS and abs(given) < _LONGEST_NUMBER
            return given if is_harmless else self._number(given)
        return self._text(str(given), key, depth)

    def _number(self, given: Any) -> Any:
        if isinstance(given, float) or abs(given) < 10_000:
            return 0 if isinstance(given, float) else given
        return int(self.id(str(abs(given))))

    def _text(self, given: str, key: str, depth: int) -> str:
        if given.lstrip()[:1] in ("{", "["):
            inner = _decoded(given)
            if inner is not None:
                return json.dumps(self.value(inner, key, depth + 1), ensure_ascii=False)
        if key in _KEYS_OF_WORDS and (
            given in _KNOWN_WORDS or (_PROTOCOL_WORD.fullmatch(given) and not self._tells(given))
        ):
            return given
        if key in _MIDS:
            return self._mids.setdefault(given, f"m_{len(self._mids) + 1:06d}")
        if given.isascii() and given.isdigit():
            return self.id(given)
        if given in _META_SAYS:
            return given
        if self._keep_texts and key in _TEXTS:
            return self.ids_in(given)
        return shaped(given)

    def _key(self, name: str) -> str:
        return name if _KEY.fullmatch(name) and not self._tells(name) else shaped(name)

    def _tells(self, text: str) -> bool:
        return any(secret in text for secret in self._secrets)

    # --- ids and texts ----------------------------------------------------------------------------

    def id(self, given: str) -> str:
        """Return the placeholder of an id: digits, as many as 16, the same each time."""
        if len(given) < 5:
            return given
        if given not in self._ids:
            self._ids[given] = f"9{len(self._ids) + 1:015d}"
        return self._ids[given]

    def ids_in(self, text: str) -> str:
        """Return *text* with placeholders for the ids in it, and without any secret."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, SECRET)
        return _ID.sub(lambda found: self.id(found.group()), text)

    # --- addresses --------------------------------------------------------------------------------

    def path(self, given: str) -> str:
        """Return the path of a call: version and edge stay, ids become placeholders."""
        steps = []
        for step in given.split("/"):
            known = not step or step == "me" or _VERSION_IN_PATH.fullmatch(step)
            word = _EDGE.fullmatch(step) and not self._tells(step)
            steps.append(step if known or word else self.value(step))
        return "/".join(steps)

    def query(self, given: str) -> Dict[str, Any]:
        """Return the parameters of a query string."""
        return self.parameters(parse_qsl(given, keep_blank_values=True))

    def parameters(self, given: List[Any]) -> Dict[str, Any]:
        """Return parameters of a query or a form, name -> value."""
        return {self._key(name): self.value(value, name) for name, value in given}


def shaped(text: str) -> str:
    """Return a text of the same shape."""
    shaped = []
    for character in text:
        if character.isdigit() or character.isnumeric():
            shaped.append("0")
        elif character.isalpha():
            shaped.append("X" if character.isupper() else "x")
        else:
            shaped.append(character if character.isprintable() or character in "\n\t" else " ")
    return "".join(shaped)


def _decoded(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None
