"""Tells what agents read of who has a conversation: by the name of a target, or the id of an app.

A target without a title in handover.yml is called by its name in words; one that is named as its kind, by our
word for that (labels.py). Of other apps Meta may tell a name (graph_api/profiles.py). Templates and refusals
use the same.
"""

from __future__ import annotations

from typing import Callable, Dict, Mapping

from handover_channel.inbox import labels
from handover_channel.messenger.events import PAGE_INBOX_APP_ID
from handover_channel.rules.continuing import in_words
from handover_channel.settings.targets import Target, TargetKind

#: What a target is called that has the name of its kind.
_TITLES_OF_KINDS: Mapping[str, str] = {
    TargetKind.INBOX.value: labels.CONTROLS["inbox"],
    TargetKind.PAGE_INBOX.value: labels.TARGETS[PAGE_INBOX_APP_ID],
}


def titles_of(
    targets: Mapping[str, Target], language: str, translate: Callable[[str], str]
) -> Mapping[str, str]:
    """Return the titles by the names of targets and the ids of their apps, with those that are ours."""
    found: Dict[str, str] = {name: translate(text) for name, text in labels.TARGETS.items()}
    for name, target in targets.items():
        is_as_its_kind = name == target.kind.value and name in _TITLES_OF_KINDS
        own = translate(_TITLES_OF_KINDS[name]) if is_as_its_kind else in_words(name)[language]
        found[name] = target.title.get(language) or own
        if target.app_id:
            found[target.app_id] = found[name]
    return found
