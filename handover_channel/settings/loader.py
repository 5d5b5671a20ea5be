"""handover.yml and credentials.yml -> `Settings`, or one error with everything that is wrong.

Rule 1: every problem of both files is reported at once (`SettingsError.problems`), each with file, key,
        value and remedy.
Rule 2: everything has a default but the app id and the page token; a bot that is not on Messenger (only
        `handover_channel.InboxInput` in credentials.yml) needs neither.
Rule 3: Rasa, the action server and the command read the same file: `HANDOVER_CONFIG`, else
        ./handover.yml, and the credentials.yml beside it. A relative SQLite path counts from that folder.
Rule 4: a handover always ends: at least one of time limit, button and keywords is there for each target.
Rule 5: secrets, tokens and the database's URL (it may hold a password) are in no repr.

This is the only module that reads the environment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from handover_channel.errors import HandoverRefused, OutsideHours, SettingsError, TokenRefused, UnknownTarget
from handover_channel.messenger.events import INSTAGRAM_INBOX_APP_ID, META_INBOXES, PAGE_INBOX_APP_ID
from handover_channel.settings import automatic_replies, locations, return_options, yaml_file
from handover_channel.settings import credentials as credentials_block
from handover_channel.settings import inbox as inbox_block
from handover_channel.settings import targets as targets_block
from handover_channel.settings.automatic_replies import AutomaticReplies
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL, Credentials, Page
from handover_channel.settings.inbox import InboxSettings
from handover_channel.settings.locations import GraphApiSettings
from handover_channel.settings.return_options import ReturnOptions
from handover_channel.settings.section import Section, nearest, quoted
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
    "Target",
    "TargetKind",
    "load",
]

KEYS = (
    "app_id",
    "page_access_token",
    "database",
    "graph_api",
    "default_target",
    "targets",
    "return",
    "grant_requests",
    "stale_after",
    "nlu_limit",
    "automatic_replies",
    "inbox",
)


DEFAULT_STALE_AFTER = timedelta(hours=1)

#: Characters: as many as one message of ours may have. A person's may have 20,000.
DEFAULT_NLU_LIMIT = 2000


class Grants(str, Enum):
    """Whose `request_thread_control` is granted."""

    TARGETS = "targets"  #: the Page inbox's and that of the apps in `targets`
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True)
class Settings:
    """What the developer configures, checked."""

    app_id: str  #: this bot's Meta app; "" for a bot that is not on Messenger
    database: str = field(repr=False)  #: SQLAlchemy URL, the path of SQLite absolute
    graph_api: GraphApiSettings
    default_target: str
    targets: Mapping[str, Target]
    returning: ReturnOptions
    grant_requests: Grants
    pages: Tuple[Page, ...]
    secret: str = field(repr=False)  #: app secret; "" where the action server has no credentials.yml
    verify: str = field(default="", repr=False)  #: the webhook's verify token; "" as above
    stale_after: Optional[timedelta] = DEFAULT_STALE_AFTER  #: older ones are kept, not answered; None: none
    nlu_limit: Optional[int] = DEFAULT_NLU_LIMIT  #: characters of a message that NLU gets; None: all
    inbox: InboxSettings = InboxSettings()
    automatic_replies: AutomaticReplies = AutomaticReplies()

    def target(self, name: Optional[str] = None) -> Target:
        """Return the target called *name*, the default one for None or "".

        Raises UnknownTarget naming those that are known.
        """
        try:
            return self.targets[name or self.default_target]
        except KeyError:
            raise UnknownTarget(
                f"no target is called {quoted(name)}; handover.yml has {', '.join(self.targets)}"
            ) from None

    def is_closed(self, name: Optional[str], now: float) -> bool:
        """Tell whether it is outside the hours of that target. *now*: in seconds since the epoch."""
        try:
            self.target(name).expect_open(now)
        except OutsideHours:
            return True
        except UnknownTarget:
            return False
        return False

    def inbox_target(self, name: Optional[str] = None) -> Target:
        """Return the target of kind inbox called *name*; for None the default one, or else the first.

        Raises HandoverRefused where there is none.
        """
        named = [self.target(name)] if name else [self.target(), *self.targets.values()]
        for target in named:
            if target.kind is TargetKind.INBOX:
                return target
        if name:
            raise HandoverRefused(
                f"target {name!r} is of kind {named[0].kind.value}, agents answer in an inbox"
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
            remedy = "add its id and page-access-token"
            raise TokenRefused(f"credentials.yml: {CHANNEL}.pages has no page {quoted(page)}: {remedy}")
        return tokens[page]

    def page_of(self, token: str) -> str:
        """Return the id of the page whose access token that is, "" where none is given for it."""
        return next((each.id for each in self.pages if each.token == token), "")


def load(
    path: Optional[str] = None,
    *,
    environ: Mapping[str, str] = os.environ,
    credentials: Optional[Mapping[str, Any]] = None,
) -> Settings:
    """Return the settings of the file *path*, else of `HANDOVER_CONFIG`, else of ./handover.yml.

    *credentials* is the channel's block as Rasa read it; without it, that of the credentials.yml beside
    the file is used. Raises SettingsError with every problem of both files.
    """
    file = Path(path or environ.get("HANDOVER_CONFIG") or "handover.yml").absolute()
    problems: List[str] = []
    handover = _document(file, environ, problems)
    if credentials is not None:
        channel: Optional[Mapping[Any, Any]] = {CHANNEL: credentials}
    else:
        channel = _document(file.with_name("credentials.yml"), environ, problems, needed=False)
    proofs = _credentials(Section("credentials.yml", channel or {}, problems))
    if handover is None:
        raise SettingsError(problems)
    block = Section(file.name, handover, problems)
    on_messenger = block.has("page_access_token") or not credentials_block.is_without_messenger(channel or {})
    settings = _settings(block, proofs, file.parent, on_messenger)
    if not on_messenger:
        _refuse_apps(block, settings.targets)
    elif channel is not None and not settings.pages:
        _refuse_without_token(block, channel)
    if problems:
        raise SettingsError(problems)
    return settings


def _document(
    file: Path, environ: Mapping[str, str], problems: List[str], *, needed: bool = True
) -> Optional[Mapping[Any, Any]]:
    """Return what *file* holds; None, and problems, where that cannot be known."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not needed:
            return {}
        problems.append(
            f"{file.name}: there is no {file}: create it (one line is enough, "
            'app_id: "the id of this bot\'s Meta app"), or set HANDOVER_CONFIG to the path of yours'
        )
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problems.append(f"{file.name}: {file} cannot be read ({reason}): make it a readable UTF-8 text file")
        return None
    value, found = yaml_file.parse(text, environ)
    problems.extend(f"{file.name}: {each}" for each in found)
    if value is not None and not isinstance(value, dict):
        problems.append(f'{file.name}: holds no keys: write lines such as app_id: "1234567890"')
        return None
    return None if value is None and found else value or {}


def _credentials(block: Section) -> Credentials:
    if INBOX_CHANNEL in block.values:
        block.block(INBOX_CHANNEL).expect_none("the settings of the inbox are in handover.yml, under inbox")
    if CHANNEL not in block.values:
        return Credentials("", "")
    return credentials_block.read(block.block(CHANNEL))


def _settings(block: Section, proofs: Credentials, folder: Path, on_messenger: bool) -> Settings:
    block.expect_only(KEYS)
    app_id = _app_id(block, needed=on_messenger)
    returning = return_options.read(block.block("return"))
    targets_given = block.block("targets")
    if not targets_given.values:
        targets_given = block.within("targets", targets_block.INBOX_ALONE)
    targets = targets_block.read(targets_given, app_id=app_id, time_limit=returning.time_limit)
    _refuse_endless(block, returning, targets)
    _refuse_pages(block, app_id, targets, proofs.pages)
    return Settings(
        app_id=app_id,
        database=locations.database(block, folder),
        graph_api=locations.graph_api(block.block("graph_api")),
        default_target=_default_target(block, tuple(map(str, targets_given.values))),
        targets=targets,
        returning=returning,
        grant_requests=_grants(block),
        stale_after=block.duration("stale_after", DEFAULT_STALE_AFTER),
        nlu_limit=block.count("nlu_limit", DEFAULT_NLU_LIMIT),
        inbox=inbox_block.read(block.block("inbox")),
        automatic_replies=automatic_replies.read(block.block("automatic_replies")),
        pages=_pages(block, proofs),
        secret=proofs.secret,
        verify=proofs.verify,
    )


def _app_id(block: Section, *, needed: bool) -> str:
    where = "Meta for Developers > My apps"
    remedy = f"write the id of this bot's Meta app ({where})"
    app_id = block.required("app_id", remedy) if needed else block.text("app_id")
    if app_id and not is_app_id(app_id):
        block.refuse("app_id", f"is {quoted(app_id)}: Meta's app ids are digits only, copy it from {where}")
    elif any(same_id(app_id, each) for each in META_INBOXES):
        block.refuse("app_id", f"is {quoted(app_id)}, an inbox of Meta's: {remedy}")
    return app_id


def _refuse_pages(
    block: Section, app_id: str, targets: Mapping[str, Target], pages: Tuple[Page, ...]
) -> None:
    """Refuse the id of a page where that of an app is meant: both are long numbers."""
    for page in pages:
        if same_id(page.id, app_id):
            said = f"is {quoted(app_id)}, the id of a page in credentials.yml"
            block.refuse(
                "app_id", f"{said}: write the id of this bot's Meta app (Meta for Developers > My apps)"
            )
        for target in targets.values():
            if same_id(page.id, target.app_id):
                said = f"is {quoted(target.app_id)}, the id of a page in credentials.yml"
                inner = block.block("targets").block(target.name)
                inner.refuse("app_id", f"{said}: write the id of the app that gets control")


def _refuse_endless(block: Section, returning: ReturnOptions, targets: Mapping[str, Target]) -> None:
    endless = [target.name for target in targets.values() if target.time_limit is None]
    if endless and not returning.button and not returning.keywords:
        said = (
            f"has no time_limit, button or keywords, so a handover to {' or '.join(endless)} would never end"
        )
        block.refuse("return", f"{said}: give it one of them")


def _default_target(block: Section, names: Tuple[str, ...]) -> str:
    name = block.text("default_target", names[0] if len(names) == 1 else "inbox" if "inbox" in names else "")
    if not name:
        block.refuse("default_target", f"is missing: write one of {', '.join(names)}")
    elif name not in names:
        block.refuse("default_target", f"is {quoted(name)}, which is not in targets: {nearest(name, names)}")
    return name


def _grants(block: Section) -> Grants:
    known = [each.value for each in Grants]
    text = block.text("grant_requests", Grants.TARGETS.value)
    if text in known:
        return Grants(text)
    block.refuse("grant_requests", f"is {quoted(text)}: {nearest(text, known)}")
    return Grants.TARGETS


def _pages(block: Section, proofs: Credentials) -> Tuple[Page, ...]:
    token = block.text("page_access_token", secret=True)
    pages = (Page("", token),) if token else proofs.pages
    if proofs.pages and pages != proofs.pages:
        block.refuse(
            "page_access_token", f"is not the token of {CHANNEL} in credentials.yml: keep one of the two"
        )
    return pages


def _refuse_apps(block: Section, targets: Mapping[str, Target]) -> None:
    for target in targets.values():
        if target.kind is not TargetKind.INBOX:
            said = f"is of kind {target.kind.value}, which needs Messenger: leave it out, or add {CHANNEL}"
            block.block("targets").refuse(target.name, f"{said} to credentials.yml")


def _refuse_without_token(block: Section, channel: Mapping[Any, Any]) -> None:
    given = Section("credentials.yml", channel, []).block(CHANNEL)
    if block.has("page_access_token") or given.has("page-access-token") or given.has("pages"):
        return  # what is wrong with it has been said
    remedy = f"write page-access-token under {CHANNEL} in credentials.yml, or page_access_token here"
    block.problems.append(f"{block.file}: the page access token is missing: {remedy}")
