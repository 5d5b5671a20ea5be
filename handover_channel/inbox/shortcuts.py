"""Names the keys of the page: the one table that the help sheet, the page's script and docs/inbox.md have.

1. A single letter does what stands in `does`: it presses the page's own button of that name (`data-does`), or
   is one of the movements in static/keyboard.js. Without such a button it cannot be done now.
2. Single letters do nothing while somebody types, and can be switched off (WCAG 2.1.4).
3. What has a "+" in it, or a name of several letters, is no single letter: those keys always work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple


def _(text: str) -> str:
    """Mark *text* to be translated where it is drawn."""
    return text


@dataclass(frozen=True)
class Shortcut:
    """One line of the sheet: any of *keys* does it. *does*: the `data-does` of the button, "" for none."""

    keys: Tuple[str, ...]
    text: str
    does: str = ""


SHORTCUTS: Sequence[Shortcut] = (
    Shortcut(("Ctrl+K",), _("Everything that can be done now, and conversations by name"), "commands"),
    Shortcut(("j", "↓"), _("Next conversation of the list"), "down"),
    Shortcut(("k", "↑"), _("Previous conversation of the list"), "up"),
    Shortcut(("Enter",), _("Open it")),
    Shortcut(("e", "]"), _("Open whoever waits longest; again: the next one"), "next"),
    Shortcut(("r", "a"), _("Write a reply"), "reply"),
    Shortcut(("n",), _("Write an internal note"), "remark"),
    Shortcut(("s",), _("Assign to me"), "claim"),
    Shortcut(("o",), _("Take over"), "take_over"),
    Shortcut(("t",), _("Add a tag"), "tag"),
    Shortcut(("b",), _("Return to bot"), "return"),
    Shortcut(("h",), _("Hand on"), "hand_on"),
    Shortcut(("u",), _("Mark as unread"), "unread"),
    Shortcut(("i",), _("About the customer"), "person"),
    Shortcut(("Enter", "Ctrl+Enter"), _("In a reply: send")),
    Shortcut(("Shift+Enter",), _("In a reply: new line")),
    Shortcut(("/",), _("In an empty reply: canned replies. Elsewhere: search"), "search"),
    Shortcut(("Esc",), _("Back to the list")),
    Shortcut(("?",), _("These shortcuts"), "shortcuts"),
)


def is_letter(key: str) -> bool:
    """Tell whether *key* is a single one that can be switched off."""
    return len(key) == 1 and key not in "↓↑"


def key_of(does: str) -> str:
    """Return the first key that does that, "" for none: what a button's title says."""
    return next((each.keys[0] for each in SHORTCUTS if does and each.does == does), "")
