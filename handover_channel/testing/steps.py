"""Lists the steps of a scenario: what each is called, what it takes, and what it does.

One table for everything that knows of steps: the reader of scenarios, their JSON schema, the documents, and
whoever plays them. The names are those of the fixtures (plugin.py).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from handover_channel.simulator.clock import seconds_of
from handover_channel.simulator.faults import FAULTS
from handover_channel.testing.bot_under_test import ActFailed
from handover_channel.testing.conversation import Conversation
from handover_channel.testing.expectations import Expect
from handover_channel.testing.people import OtherApp, Person, Staff, Time
from handover_channel.testing.wording import did_you_mean, matches


@dataclass(frozen=True)
class Step:
    """A step as it stands in a file. *value*: text, or True where the step has none."""

    kind: str
    value: Any
    options: Mapping[str, Any]
    line: int  #: from 1
    last_line: int


class Stage:
    """The scene of a step: a person's conversation, with one page at a time."""

    def __init__(self, conversation: Conversation) -> None:
        self.go_to(conversation)

    def go_to(self, conversation: Conversation) -> None:
        """Have the next steps be in this conversation."""
        self.conversation = conversation
        self.person = Person(conversation)
        self.expect = Expect(conversation)
        self.time = Time(conversation)


@dataclass(frozen=True)
class Option:
    """A further key of a step: "text", "titles" (a list of them), "count", "number", or one of *choices*."""

    meaning: str
    type: str = "text"
    choices: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind of step."""

    meaning: str
    does: Callable[[Stage, Step], None]
    value: str = "text"  #: "text", "name", "duration", or "nothing"
    example: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    choices: Tuple[str, ...] = ()  #: the names that there are, where that is known
    one_of: Tuple[str, ...] = ()  #: options of which there has to be exactly one
    expects: bool = False  #: says what should have happened; else it is an act
    moves_time: bool = False


def _tried(step: Step, act: Callable[[], None]) -> None:
    """Do an act; where a step says that Meta refuses it, it has to."""
    expected = step.options.get("refused")
    if expected is None:
        return act()
    try:
        act()
    except ActFailed as error:
        if matches(expected, str(error)):
            return None
        raise
    raise ActFailed(f"it should have been refused ({expected}), and was done")


def _staff(stage: Stage, step: Step) -> None:
    def act() -> None:
        staff = Staff(stage.conversation, step.value)
        if "replies" in step.options:
            return staff.replies(step.options["replies"])
        return {"done": staff.done, "takes_over": staff.takes_over}[step.options["does"]]()

    _tried(step, act)


def _other_app(stage: Stage, step: Step) -> None:
    def act() -> None:
        app = OtherApp(stage.conversation, step.value)
        metadata = step.options.get("metadata", "")
        if "says" in step.options:
            return app.says(step.options["says"])
        if "passes_to" in step.options:
            return app.passes_to(step.options["passes_to"], metadata)
        acts = {
            "passes_back": lambda: app.passes_back(metadata),
            "takes": app.takes,
            "requests": lambda: app.requests(metadata),
            "releases": app.releases,
        }
        return acts[step.options["does"]]()

    _tried(step, act)


def _default_app(stage: Stage, step: Step) -> None:
    page, places = stage.conversation.page, stage.conversation.bot.places
    name = None if step.value == "none" else places.get(step.value) or step.value
    stage.conversation.act(lambda: page.set_default_app(name), f"the page's default app: {step.value}")


def _fault(stage: Stage, step: Step) -> None:
    given: Dict[str, Any] = {key: step.options[key] for key in ("call", "event", "by") if key in step.options}
    count = step.options.get("count", "1")
    given["count"] = None if count == "always" else int(count)
    if "seconds" in step.options:
        given["seconds"] = float(step.options["seconds"])
    if step.options.get("takes_effect") == "true":
        given["takes_effect"] = True
    conversation = stage.conversation
    act = functools.partial(conversation.bot.page.fault, step.value, thread=conversation.psid, **given)
    conversation.act(act, f"fault: {step.value}")


_IS_REFUSED = Option('that this is refused, and how ("..." stands for anything)')
_METADATA = Option("what the app writes beside it")

STEPS: Dict[str, Kind] = {
    "person": Kind(
        "The person writes this.",
        lambda stage, step: stage.person.says(step.value),
        example="I want to talk to a human",
    ),
    "taps": Kind(
        "The person taps the button or quick reply with this title.",
        lambda stage, step: stage.person.taps(step.value),
        example="Back to Bot",
    ),
    "chooses": Kind(
        "The person chooses in the bot's menu, or taps Get Started: a postback with this payload.",
        lambda stage, step: stage.person.chooses(step.value),
        example="/handover",
    ),
    "sends": Kind(
        "The person sends a file of this kind: image, audio, video, file, location.",
        lambda stage, step: stage.person.sends(step.value, step.options.get("url", "https://example.com/1")),
        value="name",
        example="image",
        options={"url": Option("where it is")},
    ),
    "comes_by": Kind(
        "The person comes by an m.me link or an ad with this reference.",
        lambda stage, step: stage.person.comes_by(step.value),
        value="name",
        example="summer-sale",
    ),
    "staff": Kind(
        "Those who answer at this place (a target of handover.yml, or page_inbox) do something.",
        _staff,
        value="name",
        example="page_inbox",
        options={
            "replies": Option("they write this to the person"),
            "does": Option("what they do", choices=("done", "takes_over")),
            "refused": _IS_REFUSED,
        },
        one_of=("replies", "does"),
    ),
    "other_app": Kind(
        "Another app of the page (a target, its name or id) does something by the Graph API.",
        _other_app,
        value="name",
        example="sales_bot",
        options={
            "says": Option("it writes this to the person"),
            "does": Option("what it does", choices=("passes_back", "takes", "requests", "releases")),
            "passes_to": Option("it passes control to this place"),
            "metadata": _METADATA,
            "refused": _IS_REFUSED,
        },
        one_of=("says", "does", "passes_to"),
    ),
    "jump": Kind(
        "So much time passes at once: what is due happens once.",
        lambda stage, step: stage.time.jump(step.value),
        value="duration",
        example="25 hours",
        moves_time=True,
    ),
    "run": Kind(
        "So much time passes, and everything happens when it is due.",
        lambda stage, step: stage.time.run(step.value),
        value="duration",
        example="3 days",
        moves_time=True,
    ),
    "fault": Kind(
        "This goes wrong at Meta, in this thread, once or as often as `count` says.",
        _fault,
        value="name",
        example="not_owner",
        choices=tuple(FAULTS),
        options={
            "call": Option("of which Graph call, such as messages; else of the first it can happen to"),
            "event": Option("of which kind of event, such as echo; else of the first it can happen to"),
            "count": Option("how often, or always", type="count"),
            "seconds": Option("how long", type="number"),
            "takes_effect": Option("Meta does it, and answers as if it had not", choices=("true",)),
            "by": Option("which app takes the thread"),
        },
    ),
    "page": Kind(
        "The person goes to this page of the bot's (id or name): what follows is there.",
        lambda stage, step: stage.go_to(stage.conversation.on(step.value)),
        value="name",
        example="Garden Shop",
    ),
    "default_app": Kind(
        "The page's default app in Conversation Routing is from now on this one: bot, another app, or none.",
        _default_app,
        value="name",
        example="none",
    ),
    "reply": Kind(
        'The bot\'s next message is this one. "..." stands for anything.',
        lambda stage, step: stage.expect.reply(step.value, step.options.get("buttons")),
        example="Hello ...",
        options={"buttons": Option("the titles of all that can be tapped in it", type="titles")},
        expects=True,
    ),
    "silence": Kind(
        "The bot says nothing, or nothing more.",
        lambda stage, step: stage.expect.silence(),
        value="nothing",
        expects=True,
    ),
    "control": Kind(
        "Who has control: bot, a target of handover.yml, page_inbox.",
        lambda stage, step: stage.expect.control(step.value),
        value="name",
        example="page_inbox",
        expects=True,
    ),
}


def problem_of_value(kind: Kind, value: Any) -> Optional[str]:
    """Return what is wrong with the value of a step, None where nothing is."""
    if kind.value == "nothing":
        return None if value is True else "takes no value"
    if not isinstance(value, str) or not value.strip():
        return f"needs {_A[kind.value]}, such as {kind.example!r}"
    if kind.value == "name" and kind.choices and value not in kind.choices:
        return f"{value!r} is not known{did_you_mean(value, kind.choices)}"
    if kind.value == "duration":
        try:
            seconds_of(value)
        except ValueError as error:
            return str(error)
    return None


_COUNT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_SECONDS_GIVEN = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)
_A = {"text": "a text", "name": "a name", "duration": "a time"}


def problem_of_option(option: Option, value: Any) -> Optional[str]:
    """Return what is wrong with the value of an option, None where nothing is."""
    if option.type == "titles":
        right = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return None if right else "needs a list of titles, such as [Back to Bot]"
    if not isinstance(value, str):
        return "needs a text"
    if option.type == "count" and not (value == "always" or _COUNT.fullmatch(value)):
        return 'needs a number from 1 on, or "always"'
    if option.type == "number" and not _SECONDS_GIVEN.fullmatch(value):
        return "needs a number"
    if option.choices and value not in option.choices:
        return f"is {value!r}, and not one of {_listed(option.choices)}"
    return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
