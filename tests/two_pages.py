"""The example bot with two Facebook pages in its credentials.yml, and conversations with both."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Optional

import yaml
from rasa_commands import ROOT
from stack import copy_project

from handover_channel.testing.scenario import parse

LAMPS, GARDEN = "7100", "7200"  #: ids of the pages
TOKENS = {LAMPS: "token-of-lamps", GARDEN: "token-of-garden"}

FILE = Path("two_pages.yml")
SCENARIOS = parse(
    """
scenarios:
  - scenario: a handover to the built-in inbox on one page leaves the same person on the other with the bot
    steps:
      - person: I want to talk to a human
      - reply: I am handing you over ...
      - control: inbox
      - page: Garden Shop
      - person: hello
      - reply: Hello, this is the shop bot. ...
      - control: bot
      - page: Lamp & Leaf
      - staff: inbox
        replies: Hello, this is Anna.
      - silence
      - person: thank you, that was all
      - silence
      - page: Garden Shop
      - person: when are you open
      - reply: We are open from Sunday to Thursday, ...
      - page: Lamp & Leaf
      - control: inbox
      - staff: inbox
        does: done
      - reply: My colleague has given you back to me ... Is there anything else?
      - control: bot
  - scenario: a handover by Meta on the second page leaves the same person on the first with the bot
    steps:
      - page: "7200"
      - person: can someone from your facebook page answer me
      - reply: I am handing you over ...
        buttons: [Back to Bot]
      - control: page_inbox
      - page: "7100"
      - person: hello
      - reply: Hello, this is the shop bot. ...
      - control: bot
      - page: "7200"
      - staff: page_inbox
        replies: Hello, this is Anna from the page.
      - person: thank you
      - silence
      - taps: Back to Bot
      - reply: ...
      - control: bot
""",
    FILE,
)


def bot_with_two_pages(folder: Path, model: Optional[Path]) -> Path:
    """Put the example bot into *folder*, with two pages; return the folder."""
    copy_project(folder, model, 1)
    shutil.copy(ROOT / "handover.yml", folder)
    credentials = yaml.safe_load((ROOT / "credentials.yml").read_text(encoding="utf-8"))
    channel = credentials["handover_channel.MessengerInput"]
    del channel["page-access-token"]
    channel["pages"] = [{"id": page, "page-access-token": token} for page, token in TOKENS.items()]
    (folder / "credentials.yml").write_text(yaml.safe_dump(credentials), encoding="utf-8")
    return folder
