"""Reads the example bot's scenarios, each by a name of its own: that of its file, and its own."""

from __future__ import annotations

from rasa_commands import ROOT

from handover_channel.testing.scenario import read_all

SCENARIOS = {f"{each.file.stem}: {each.name}": each for each in read_all([ROOT / "tests" / "scenarios"])}
NAMES = list(SCENARIOS)
