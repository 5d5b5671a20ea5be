"""Loads handover.yml and credentials.yml: `Settings`, or one error with everything that is wrong.

Rule 1: every problem of both files is reported at once (`SettingsError.problems`), each with file, key,
        value and remedy.
Rule 2: everything has a default but the app id and the page token; a bot that is not on Messenger (only
        `handover_channel.InboxInput` in credentials.yml) needs neither.
Rule 3: Rasa, the action server and the command read the same file: `HANDOVER_CONFIG`, else
        ./handover.yml, and the credentials.yml beside it. A relative SQLite path counts from that folder.
Rule 4: a handover always ends: at least one of time limit, button and keywords is there for each target.
Rule 5: secrets, tokens and the database's URL (it may hold a password) are in no repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from handover_channel.errors import HandoverRefused, SettingsError, TokenRefused, UnknownTarget
from handover_channel.messenger.events import INSTAGRAM_INBOX_APP_ID, META_INBOXES, PAGE_INBOX_APP_ID
from handover_channel.rules.bot_contract import HANDOVER_INTENT, RETURNED_INTENT
from handover_channel.sentences import Sentence
from handover_channel.settings import automatic_replies, keys, locations, return_options, yaml_file
from handover_channel.settings import credentials as credentials_section
from handover_channel.settings import inbox as inbox_section
from handover_channel.settings import summary as summary_section
from handover_channel.settings import targets as targets_section
from handover_channel.settings.automatic_replies import AutomaticReplies
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL, Credentials, Page
from handover_channel.settings.environment import ENVIRON, settings_path
from handover_channel.settings.inbox import InboxSettings
from handover_channel.settings.keys import keys_of, names_of, one_of, setting, subsection
from handover_channel.settings.locations import GraphApiSettings
from handover_channel.settings.return_options import ReturnOptions
from handover_channel.settings.section import Section, nearest, quoted
from handover_channel.settings.summary import SummarySettings
from handover_channel.settings.targets import Target, TargetKind, is_app_id, same_id

__all__ = [
    "AutomaticReplies",
    "Credentials",
    "Grants",
    "GraphApiSettings",
    "INSTAGRAM_INBOX_APP_ID",
    "InboxSettings",
    "PAGE_INBOX_APP_ID",
    "Page",
    "ReturnOptions",
    "Settings",
    "SummarySettings",
    "Target",
    "TargetKind",
    "WhileMuted",
    "load",
]


def _handover_intents(section: Section, key: str) -> Tuple[str, ...]:
    """Return the intents by which people ask for people, each once."""
    names = []
    if isinstance(section.values.get(key), str):
        section = replace(section, values={key: [section.values[key]]})
    for item, value in section.items(key):
        name = value.strip() if isinstance(value, str) else ""
        if not name or name == RETURNED_INTENT:
            meant = f"is {quoted(value)}, which is no such intent"
            section.refuse(item, f"{meant}: write the name of one by which people ask for people")
        names.append(name)
    if section.values.get(key) == []:
        section.refuse(key, f"names no intent: write one, or leave it out for {HANDOVER_INTENT}")
    return tuple(dict.fromkeys(names)) or (HANDOVER_INTENT,)


class Grants(str, Enum):
    """Whose `request_thread_control` is granted."""

    TARGETS = "targets"  #: the Page inbox's and that of the apps in `targets`
    ALL = "all"
    NONE = "none"


class WhileMuted(str, Enum):
    """What a client of REST gets for a message while the bot does not have control."""

    NOTHING = "nothing"  #: an empty list
    HANDOVER = "handover"  #: who has the conversation, and until when


@dataclass(frozen=True)
class Settings:
    """What the developer configures, checked."""

    secret: str = field(repr=False)  #: app secret; "" where the action server has no credentials.yml
    #: "" for a bot that is not on Messenger.
    app_id: str = setting(
        meaning="The id of this bot's Meta app (Meta for Developers > My apps). A bot that is not on "
        "Messenger has none.",
    )
    pages: Tuple[Page, ...] = setting(
        name="page_access_token",
        meaning="The page access token, where it is not in `credentials.yml`: an action server that has only "
        "this file.",
    )
    #: SQLAlchemy URL, the path of SQLite absolute.
    database: str = setting(
        default=locations.DEFAULT_DATABASE,
        meaning="Where the bot keeps who has control of which thread: SQLite in a file (a relative path "
        "counts from this file's folder) or `postgresql://user:password@host/name` "
        "(`pip install rasa-handover[postgresql]`). With several Rasa servers it has to be PostgreSQL: "
        "[deployment](deployment.md).",
        repr=False,
    )
    graph_api: GraphApiSettings = subsection(GraphApiSettings, locations.graph_api)
    default_target: str = setting(
        default_in_words="the only target, or `inbox`",
        meaning="Where a handover goes that names no target.",
    )
    targets: Mapping[str, Target] = setting(
        default_in_words="the built-in inbox alone",
        meaning="The places a thread can be handed over to, by names of your choice.",
        below=keys_of(Target, under="NAME."),
    )
    returning: ReturnOptions = subsection(ReturnOptions, return_options.read, name="return")
    grant_requests: Grants = setting(
        read=one_of(Grants),
        default="targets",
        meaning="Whose request for control is granted: `targets` (the Page inbox and the apps in `targets`), "
        "`all` or `none`.",
    )
    #: None: every message is answered.
    stale_after: Optional[timedelta] = setting(
        read=Section.duration,
        default="1 hour",
        meaning="A message that is older when its turn comes (the servers were down) is kept and shown by "
        "`handover status`, not answered as if it were new. `false`: every message is answered.",
    )
    #: Characters: by default as many as one message of ours may have. None: all.
    nlu_limit: Optional[int] = setting(
        read=Section.count,
        default="2000",
        meaning="Of a longer message of a person on Messenger (they may write 20,000 characters) the bot's "
        "NLU gets so many characters; tracker, slots filled with the whole text, transcript and agents get "
        "all of it. `false`: NLU gets all, which is safe where no regular expression of the bot's, and of "
        "its components, looks back and forth.",
    )
    rest_while_muted: WhileMuted = setting(
        read=one_of(WhileMuted),
        default="nothing",
        meaning="What a call of Rasa's `rest` or `callback` channel is answered while the bot does not have "
        "control: `nothing` (an empty list), or `handover`, a message that says who has the conversation: "
        "[a bot without Messenger](guides/without-messenger.md#tell-your-client-who-has-it).",
    )
    cheaper_turns: bool = setting(
        read=Section.flag,
        default="true",
        meaning="`false` leaves Rasa's own code alone where ours stands in for it, with the same effect in "
        "less time: [operations](operations.md#what-a-turn-costs).",
    )
    automatic_replies: AutomaticReplies = subsection(
        AutomaticReplies, automatic_replies.read, absent=AutomaticReplies()
    )
    #: Each once.
    handover_intents: Tuple[str, ...] = setting(
        default=f"[{HANDOVER_INTENT}]",
        read=lambda section, key, _: _handover_intents(section, key),
        meaning="The bot's intents by which people ask for people, where it has others than "
        "`handover`: outside business hours these say at once when somebody is there. The rules of the bot "
        "name the same ones.",
    )
    summary: SummarySettings = setting(
        read=lambda section, key, _: summary_section.read(section, key),
        absent=SummarySettings(),
        default_in_words="`false`",
        meaning="Whether slot `handover_summary` tells the bot how the human part went and ended: for bots "
        "with an LLM. `true`: a note of ours. Or who writes it: the dotted name of a function, or an "
        "address. [Tell the bot](guides/tell-the-bot.md).",
        below=keys_of(SummarySettings),
    )
    inbox: InboxSettings = subsection(InboxSettings, inbox_section.read, absent=InboxSettings())
    verify: str = field(default="", repr=False)  #: the webhook's verify token; "" as for `secret`
    test_clock: str = (
        ""  #: HANDOVER_TEST_CLOCK, as it stands in the environment: graph_api/simulated_clock.py
    )

    def target(self, name: Optional[str] = None) -> Target:
        """Return the target called *name*, the default one for None or "".

        Raises UnknownTarget naming those that are known.
        """
        try:
            return self.targets[name or self.default_target]
        except KeyError:
            raise UnknownTarget(
                "no target is called %(name)s; handover.yml has %(known)s -> name one of these",
                name=quoted(name),
                known=", ".join(self.targets),
            ) from None

    def inbox_target(self, name: Optional[str] = None) -> Target:
        """Return the target of kind inbox called *name*; for None the default one, or else the first.

        Raises UnknownTarget for a *name* that is not known, HandoverRefused where it is no inbox, or none is.
        """
        named = [self.target(name)] if name else [self.target(), *self.targets.values()]
        for target in named:
            if target.kind is TargetKind.INBOX:
                return target
        if name:
            raise HandoverRefused(
                "target %(name)r is of kind %(kind)s, agents answer in an inbox -> name one of kind inbox",
                name=name,
                kind=named[0].kind.value,
            )
        raise HandoverRefused("handover.yml has no target of kind inbox -> add one")

    def target_of_app(self, app_id: str) -> Optional[Target]:
        """Return the first target whose app is *app_id*. Instagram's inbox counts as the Page inbox."""
        for wanted in (app_id, PAGE_INBOX_APP_ID if app_id == INSTAGRAM_INBOX_APP_ID else ""):
            for target in self.targets.values():
                if wanted and target.app_id == wanted:
                    return target
        return None

    def token_for(self, page: str) -> str:
        """Return the access token of *page*; of the only one there is, where *page* is not known ("").

        A token that is not said to be of one page is any page's. Raises TokenRefused where pages are listed
        and *page* is none of them: Meta would refuse the token of another one, so it is not asked.
        """
        tokens = {each.id: each.token for each in self.pages}
        if len(tokens) == 1 and (not page or "" in tokens):
            return next(iter(tokens.values()))
        if page not in tokens:
            problem = Sentence(
                "credentials.yml: %(channel)s.pages has no page %(page)s -> add its id and page-access-token",
                channel=CHANNEL,
                page=quoted(page),
            )
            raise TokenRefused(problem)
        return tokens[page]

    def page_of(self, token: str) -> str:
        """Return the id of the page whose access token that is, "" where none is given for it."""
        return next((each.id for each in self.pages if each.token == token), "")


def load(
    path: Optional[str] = None,
    *,
    environ: Mapping[str, str] = ENVIRON,
    credentials: Optional[Mapping[str, Any]] = None,
    text: Optional[str] = None,
) -> Settings:
    """Return the settings of the file *path*, else of `HANDOVER_CONFIG`, else of ./handover.yml.

    *credentials* is the channel's section as Rasa read it; without it, that of the credentials.yml beside
    the file is used. *text*: what the file is to hold, where it is not written yet.

    Raises SettingsError with every problem of both files.
    """
    file = settings_path(path, environ)
    problems: List[str] = []
    handover = yaml_file.read(file, environ, problems, text=text)
    if credentials is not None:
        channel: Optional[Mapping[Any, Any]] = {CHANNEL: credentials}
    else:
        channel = yaml_file.read(file.with_name("credentials.yml"), environ, problems, needed=False)
    proofs = _credentials(Section("credentials.yml", channel or {}, problems))
    if handover is None:
        raise SettingsError(problems)
    section = Section(file.name, handover, problems)
    on_messenger = section.has("page_access_token") or not credentials_section.is_without_messenger(
        channel or {}
    )
    settings = _settings(section, proofs, file.parent, on_messenger)
    if not on_messenger:
        _refuse_apps(section, settings.targets)
    elif channel is not None and not settings.pages:
        _refuse_without_token(section, channel)
    if problems:
        raise SettingsError(problems)
    return replace(settings, test_clock=environ.get("HANDOVER_TEST_CLOCK", ""))


def _credentials(section: Section) -> Credentials:
    if INBOX_CHANNEL in section.values:
        section.section(INBOX_CHANNEL).expect_none(
            "the settings of the inbox are in handover.yml, under inbox"
        )
    if CHANNEL not in section.values:
        return Credentials("", "")
    return credentials_section.read(section.section(CHANNEL))


def _settings(section: Section, proofs: Credentials, folder: Path, on_messenger: bool) -> Settings:
    section.expect_only(names_of(keys_of(Settings)))
    app_id = _app_id(section, needed=on_messenger)
    returning = return_options.read(section.section("return"))
    targets_given = section.section("targets")
    if not targets_given.values:
        targets_given = section.within("targets", targets_section.INBOX_ALONE)
    targets = targets_section.read(targets_given, app_id=app_id, time_limit=returning.time_limit)
    _refuse_endless(section, returning, targets)
    _refuse_pages(section, app_id, targets, proofs.pages)
    names = tuple(map(str, targets_given.values))
    given = keys.values(
        Settings,
        section,
        known={
            "app_id": app_id,
            "returning": returning,
            "targets": targets,
            "secret": proofs.secret,
            "verify": proofs.verify,
        },
        readers={
            "database": lambda section, *_: locations.database(section, folder),
            "default_target": lambda section, *_: _default_target(section, names),
            "pages": lambda section, *_: _pages(section, proofs),
        },
        last=("automatic_replies", "pages"),
    )
    return Settings(**given)


def _app_id(section: Section, *, needed: bool) -> str:
    where = "Meta for Developers > My apps"
    remedy = f"write the id of this bot's Meta app ({where})"
    app_id = section.required("app_id", remedy) if needed else section.text("app_id")
    if app_id and not is_app_id(app_id):
        section.refuse("app_id", f"is {quoted(app_id)}: Meta's app ids are digits only, copy it from {where}")
    elif any(same_id(app_id, each) for each in META_INBOXES):
        section.refuse("app_id", f"is {quoted(app_id)}, an inbox of Meta's: {remedy}")
    return app_id


def _refuse_pages(
    section: Section, app_id: str, targets: Mapping[str, Target], pages: Tuple[Page, ...]
) -> None:
    """Refuse the id of a page where that of an app is meant: both are long numbers."""
    for page in pages:
        if same_id(page.id, app_id):
            said = f"is {quoted(app_id)}, the id of a page in credentials.yml"
            section.refuse(
                "app_id", f"{said}: write the id of this bot's Meta app (Meta for Developers > My apps)"
            )
        for target in targets.values():
            if same_id(page.id, target.app_id):
                said = f"is {quoted(target.app_id)}, the id of a page in credentials.yml"
                inner = section.section("targets").section(target.name)
                inner.refuse("app_id", f"{said}: write the id of the app that gets control")


def _refuse_endless(section: Section, returning: ReturnOptions, targets: Mapping[str, Target]) -> None:
    endless = [target.name for target in targets.values() if target.time_limit is None]
    if endless and not returning.button and not returning.keywords:
        said = (
            f"has no time_limit, button or keywords, so a handover to {' or '.join(endless)} would never end"
        )
        section.refuse("return", f"{said}: give it one of them")


def _default_target(section: Section, names: Tuple[str, ...]) -> str:
    name = section.text(
        "default_target", names[0] if len(names) == 1 else "inbox" if "inbox" in names else ""
    )
    if not name:
        section.refuse("default_target", f"is missing: write one of {', '.join(names)}")
    elif name not in names:
        section.refuse(
            "default_target", f"is {quoted(name)}, which is not in targets: {nearest(name, names)}"
        )
    return name


def _pages(section: Section, proofs: Credentials) -> Tuple[Page, ...]:
    token = section.text("page_access_token", secret=True)
    pages = (Page("", token),) if token else proofs.pages
    if proofs.pages and pages != proofs.pages:
        section.refuse(
            "page_access_token", f"is not the token of {CHANNEL} in credentials.yml: keep one of the two"
        )
    return pages


def _refuse_apps(section: Section, targets: Mapping[str, Target]) -> None:
    for target in targets.values():
        if target.kind is not TargetKind.INBOX:
            said = f"is of kind {target.kind.value}, which needs Messenger: leave it out, or add {CHANNEL}"
            section.section("targets").refuse(target.name, f"{said} to credentials.yml")


def _refuse_without_token(section: Section, channel: Mapping[Any, Any]) -> None:
    given = Section("credentials.yml", channel, []).section(CHANNEL)
    if section.has("page_access_token") or given.has("page-access-token") or given.has("pages"):
        return  # what is wrong with it has been said
    remedy = f"write page-access-token under {CHANNEL} in credentials.yml, or page_access_token here"
    section.problems.append(f"{section.file}: the page access token is missing: {remedy}")
