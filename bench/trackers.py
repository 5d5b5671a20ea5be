"""Long conversations: events as Rasa's tracker has them, put there by its HTTP API; copies of its rows."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List, Sequence

_Event = Dict[str, Any]

_INTENTS = ("ask_hours", "greet", "goodbye", "ask_price", "repeat", "handover")
_TEXT = "what are your opening hours"
_PARSED = {
    "text": _TEXT,
    "intent": {"name": "ask_hours", "confidence": 0.97},
    "entities": [],
    "intent_ranking": [{"name": name, "confidence": 0.9**place} for place, name in enumerate(_INTENTS)],
}


def events(count: int, *, paused: bool = False) -> List[_Event]:
    """Return *count* events: a session's start, then whole turns; last a pause if wanted.

    They end five minutes ago: after an hour of silence Rasa would begin a new session.
    """
    begun = time.time() - 1500
    found: List[_Event] = [
        {"event": "action", "name": "action_session_start", "policy": None, "confidence": 1.0},
        {"event": "session_started"},
        {"event": "action", "name": "action_listen", "policy": None, "confidence": None},
    ]
    wanted = count - int(paused)
    while (wanted - len(found)) % 4:
        found.append({"event": "slot", "name": "handover_until", "value": None})
    while len(found) < wanted:
        found += _turn(len(found))
    found += [{"event": "pause"}] if paused else []
    step = 1200 / len(found)
    return [{**event, "timestamp": begun + place * step} for place, event in enumerate(found)]


def copy_events(database: Path, of: str, to: Sequence[str]) -> None:
    """Give other conversations the events that one has in Rasa's SQLite file."""
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(events)") if row[1] != "id"]
        chosen = ", ".join("?" if name == "sender_id" else name for name in columns)
        connection.executemany(
            f"INSERT INTO events ({', '.join(columns)}) "
            f"SELECT {chosen} FROM events WHERE sender_id = ? ORDER BY id",
            [(thread, of) for thread in to],
        )


def _turn(number: int) -> List[_Event]:
    return [
        {
            "event": "user",
            "text": _TEXT,
            "parse_data": _PARSED,
            "input_channel": "facebook",
            "message_id": f"m_{number}",
        },
        {"event": "action", "name": "utter_hours", "policy": "RulePolicy", "confidence": 1.0},
        {
            "event": "bot",
            "text": "We are open from 9 to 17.",
            "data": {},
            "metadata": {"utter_action": "utter_hours"},
        },
        {"event": "action", "name": "action_listen", "policy": "RulePolicy", "confidence": 1.0},
    ]
