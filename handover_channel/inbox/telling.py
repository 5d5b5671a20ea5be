"""What the server says to agents, in the language of the page.

Errors and sending rules are worded where they arise, in English, as "what is wrong -> what to do". Here are
their texts once more, to be translated: what the page shows is found among them, with what varies put in its
place; of a text that is not here, both sides of its arrow. What is not here either is shown as it came:
English rather than nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Callable, List, NamedTuple, Pattern, Tuple

_ARROW = re.compile(r"\s*->\s*")
_PLACE = re.compile(r"%\((\w+)\)s")


def _(text: str) -> str:
    """Mark *text* to be translated where it is shown."""
    return text


TEXTS: Tuple[str, ...] = (
    # replies/sending_rules.py, replies/service.py, store/replies.py
    _(
        "the text is as long as %(parts)s messages, and %(most)s are sent at most -> shorten it, or send "
        "it in several replies"
    ),
    _("one reply takes one file -> send the others in replies of their own"),
    _(
        "The person last wrote more than 24 hours ago, and Meta does not let this app answer then: "
        "whoever runs the bot can ask for the Human Agent feature in App Review. You can answer once the "
        "person writes again."
    ),
    _(
        "Meta says that the person cannot be reached: they blocked the page, closed the account, or "
        "accept no messages. The bot does not reach them either."
    ),
    _(
        "Meta does not accept the page's access token: nothing can be sent, by you or by the bot, until "
        "whoever runs the bot has put in a new one."
    ),
    _(
        "Meta has restricted the page or the app: nothing can be sent, by you or by the bot, until that "
        "is over."
    ),
    _(
        "The person last wrote more than 24 hours ago: Meta delivers nothing that the bot says before they "
        "write again."
    ),
    _("This conversation is not in the inbox: take it over to answer."),
    _(
        "The person last wrote more than 7 days ago, and Meta delivers nothing after that. "
        "You can answer once they write again."
    ),
    _(
        "This channel only answers what the person asks: nothing can be sent to it from here. "
        "Give the conversation back to the bot, or reach the person another way."
    ),
    _(
        "The person last wrote more than 24 hours ago: for 7 days Meta still delivers what a person writes, "
        "but nothing automatic and no advertising."
    ),
    _(
        "files cannot be sent on channel '%(channel)s' -> put the file where the person can fetch it, and "
        "send its address"
    ),
    _("the file is empty -> choose another one"),
    _("the file has %(size)s MB, and Meta takes %(most)s MB at most -> make it smaller"),
    _("there is nothing to send: the text is empty"),
    _("there is no such reply in this conversation -> load the page anew"),
    _("this key belongs to another reply -> load the page anew"),
    _("an earlier message of this conversation is still being sent -> send it again in a moment"),
    _("channel '%(channel)s' did not take it (%(error)s) -> send it again"),
    _(
        "channel '%(channel)s' did not take it within %(seconds)s seconds -> look whether the person has it "
        "before you send it again"
    ),
    _("the person last wrote more than 7 days ago, and Meta delivers nothing after that"),
    _("wait until the person writes again, or use another way to reach them"),
    _(
        "thread %(thread)s is with '%(who)s', not in the built-in inbox -> "
        "take it over there, then send this again"
    ),
    _(
        "the server stopped while this was being sent: perhaps it was delivered -> look whether the person "
        "has it before you send it again"
    ),
    _("the server stopped before this was sent -> send it again"),
    # commands.py, routes.py, control/thread_control.py
    _("%(who)s answers this conversation -> only they, or an admin, can do that"),
    _("%(who)s has this conversation -> look at what was said, and send it again if you still want to"),
    _("%(who)s was faster and answers this conversation"),
    _("%(who)s answers this conversation -> only they, or an admin, can give it to somebody else"),
    _("somebody else was faster"),
    _("this conversation is not in the inbox any more -> look again: it may be back with the bot"),
    _("this conversation was never seen -> choose one of the list"),
    _("no agent is called '%(name)s' -> has the name changed? look again"),
    _("handover.yml has no target of kind inbox -> add one"),
    _("Meta did not give control back: %(refusal)s"),
    _("Meta does not tell whether thread %(thread)s was passed on -> try again in a minute"),
    _("thread %(thread)s has changed hands meanwhile -> look again who has it"),
    _("thread %(thread)s has no time limit in the built-in inbox to extend"),
    _("a tag needs at least one letter -> type it before you add it"),
    _("the note is empty -> write something, or leave it"),
    _("the note has %(length)s characters; %(most)s are allowed"),
    _("the bot has no intent '%(intent)s' -> choose one of the list"),
    # graph_api/errors.py: what is for agents; tokens, permissions and settings of the page are not
    _("another app or the Page inbox has this conversation: take it over, then send this again"),
    _(
        "the person last wrote more than 24 hours ago, says Meta: send it again, and it goes out as the "
        "answer of a person, which Meta delivers for 7 days"
    ),
    _("Meta limits the rate of messages: send it again in a few minutes"),
    _("a fault on Meta's side: send it again in a few minutes; if it lasts, see metastatus.com"),
    _(
        "send it again in a minute; if it lasts, whoever runs the bot looks at the network and at "
        "graph_api.url in handover.yml"
    ),
    _("Meta could not use the file: send it in another format, with at most 25 MB"),
    _(
        "this app may not answer after 24 hours yet: whoever runs the bot asks for the Human Agent "
        "feature in App Review (developers.facebook.com > your app > App Review > Permissions and "
        "features); until then wait until the person writes again"
    ),
    _(
        "Meta does not take this message as it is: word it differently, or shorten it; if it takes none, "
        "tell whoever runs the bot"
    ),
    _("nothing gets out until whoever runs the bot has mended this: %(remedy)s"),
    _("the person blocked the page, closed the account or does not accept messages: nothing to do here"),
    _(
        "the person last wrote more than 24 hours ago: wait until they write again; until 7 days after their "
        "last message a person (never the bot) may still answer, with the HUMAN_AGENT tag"
    ),
    _("Meta limits the rate of calls: it is tried again by itself; if it lasts, send less"),
    _("a fault on Meta's side: it is tried again by itself; if it lasts, see metastatus.com"),
    # media_proxy.py
    _("the file could not be fetched -> try again; only https addresses of the public internet are shown"),
    _("the file is not there any more -> Meta keeps addresses of files for some days only"),
    _("the file is larger than %(most)s MB -> look at it in Meta Business Suite"),
    _("the file did not come in time -> try again"),
    # request_body.py, forms.py, http.py
    _("this is larger than %(most)s, the most that is taken -> send less"),
    _("the request took too long to come -> send it again"),
    _("too much is being sent at this moment -> send it again in a moment"),
    _("the form has more fields than any of ours -> load the page anew"),
    _("the address has more arguments than any of ours -> open the inbox anew"),
    _("'%(field)s' has more than %(most)s characters -> shorten it"),
    # auth.py, sign_in_limits.py
    _("name or password is wrong -> try again; an administrator can set a new password"),
    _("too many wrong passwords -> try again in %(minutes)s minutes"),
    _("many people sign in right now -> try again"),
    _("the page is older than your sign-in -> load it again, and do it once more"),
)


def told(text: str, translate: Callable[[str], str]) -> str:
    """Return *text* of the server as sentences, translated by *translate* where it is one of TEXTS."""
    whole = _known(text, translate)
    return _sentences(whole or " -> ".join(_known(part, translate) or part for part in _ARROW.split(text)))


class Told(NamedTuple):
    """What agents read, and what it rests on."""

    sentence: str
    details: str  #: as others worded it, in English; "" where there is nothing else


def told_apart(text: str, translate: Callable[[str], str]) -> Told:
    """Return *text* as `told` does, with what is ours before what is not: Meta's words, codes, traces.

    Two languages in one paragraph, written in opposite directions, nobody can read.
    """
    if _known(text, translate):
        return Told(told(text, translate), "")
    parts = _ARROW.split(text)
    ours = [part for part in parts if _known(part, translate)]
    others = [part for part in parts if part not in ours]
    if not ours:
        return Told(_sentences(text), "")
    return Told(told(" -> ".join(ours), translate), _sentences(" -> ".join(others)))


def _known(text: str, translate: Callable[[str], str]) -> str:
    """Return *text* translated, "" where it is none of TEXTS."""
    for pattern, known in _patterns():
        found = pattern.fullmatch(text)
        if found:
            return translate(known) % found.groupdict()
    return ""


def _sentences(text: str) -> str:
    """Return "what is wrong -> what to do" as sentences: an arrow is nothing to read aloud."""
    parts = [part.strip() for part in _ARROW.split(text) if part.strip()]
    return " ".join(
        part[:1].upper() + part[1:] + ("" if part.endswith((".", "?", "!", "؟", "`")) else ".")
        for part in parts
    )


@lru_cache(maxsize=1)
def _patterns() -> List[Tuple[Pattern[str], str]]:
    return [(_pattern(text), text) for text in TEXTS]


def _pattern(text: str) -> Pattern[str]:
    # Literal parts and places in turn.
    parts = _PLACE.split(text)
    made = [f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
    return re.compile("".join(made), re.DOTALL)
