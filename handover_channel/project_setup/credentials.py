"""Puts the channels into credentials.yml: ours takes over the block `facebook` of Rasa's own. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

from handover_channel.project_setup import yaml_edits
from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.project import CREDENTIALS, Choices, NoProject, Planned
from handover_channel.project_setup.yaml_text import Document

CHANNEL = "handover_channel.MessengerInput"
INBOX = "handover_channel.InboxInput"
FACEBOOK = "facebook"

#: What the Messenger on one's own machine (`handover simulate`) knows.
SIMULATED = {"verify": "handover-demo", "secret": "demo-app-secret", "page-access-token": "demo-page-token"}

#: Channels that are no place where the people of a bot write.
NOT_PEOPLES = frozenset({"rest", "rasa", "callback", "cmdline", CHANNEL, INBOX, FACEBOOK})


@dataclass(frozen=True)
class Facts:
    """What matters in credentials.yml."""

    channels: Tuple[str, ...]
    secret: str = ""  #: of the block that is or becomes ours; as it is written, so it may be a variable

    @property
    def has_facebook(self) -> bool:
        """Whether Rasa's own Facebook channel is set up."""
        return FACEBOOK in self.channels

    @property
    def has_messenger(self) -> bool:
        """Whether ours is."""
        return CHANNEL in self.channels

    @property
    def keeps_secret(self) -> bool:
        """Whether there is a secret, and not the one that everybody knows."""
        return self.secret not in ("", SIMULATED["secret"])

    @property
    def has_others(self) -> bool:
        """Whether people write to the bot on other channels."""
        return bool(set(self.channels) - NOT_PEOPLES)


def look(document: Document) -> Facts:
    """Find the channels."""
    blocks = [each for each in (document.section(CHANNEL), document.section(FACEBOOK)) if each is not None]
    secrets = [each.get("secret") for each in blocks if each.kind == "mapping"]
    secret = next((each.value for each in secrets if each is not None and each.kind == "scalar"), "")
    return Facts(tuple(document.root.names()) if document.root is not None else (), secret)


def plan(document: Document, facts: Facts, choices: Choices) -> Planned:
    """Rename the block `facebook`, whose keys ours has too, or begin one; add the inbox."""
    edits = []
    if facts.has_facebook and facts.has_messenger:
        raise NoProject(
            f"{CREDENTIALS}: {FACEBOOK} and {CHANNEL} serve one address -> take {FACEBOOK} out, then go on"
        )
    wanted: Dict[str, Any] = {}
    if facts.has_facebook:
        edits.append(_renamed(document))
    elif not facts.has_messenger and choices.messenger:
        wanted[CHANNEL] = SIMULATED
    if INBOX not in facts.channels:
        wanted[INBOX] = None
    if wanted:
        comment = _COMMENT if CHANNEL in wanted else ()
        edits.append(yaml_edits.add_keys(document, wanted, comment))
    if not document.text and wanted:
        return Planned(created={CREDENTIALS: edits[0].inserted})
    return Planned({CREDENTIALS: tuple(edits)}, remarks=_remarks(document, facts))


_COMMENT = (
    "# The Messenger on this machine (handover simulate) knows these words. Before others reach this bot:",
    "# secret: ${MESSENGER_SECRET}, page-access-token: ${PAGE_ACCESS_TOKEN}, and a verify of your own.",
)


def _renamed(document: Document) -> Edit:
    key = document.root.key(FACEBOOK) if document.root is not None else None
    assert key is not None  # noqa: S101 - it was found
    return Edit(key.start, document.text[key.start : key.end], CHANNEL)


def _remarks(document: Document, facts: Facts) -> Tuple[str, ...]:
    if not facts.has_facebook:
        return ()
    given = document.names(FACEBOOK)
    missing = [each for each in SIMULATED if each not in given]
    if not missing:
        return ()
    return (f"{CREDENTIALS}: the block {FACEBOOK} has no {' and no '.join(missing)} -> add what is missing",)
