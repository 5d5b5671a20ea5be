"""Tests what runs of Rasa Pro without a licence: parts of it, and our code on them. No model, no LLM.

An agent needs a licence to be trained and served. Here a processor of a few lines stands in for the engine,
below Pro's own `Agent.handle_message` and its own sending.
"""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
import sanic_servers

pytest.importorskip("rasa.dialogue_understanding", reason="Rasa Pro is not installed: make test-pro has it")

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@pytest.fixture(autouse=True, scope="session")
def untouched():
    """Let Sanic start more than one server in a process."""
    sanic_servers.touch_up_afresh()


@pytest.fixture
def bot(tmp_path, monkeypatch):
    """An agent of Rasa Pro with flows, beside services of ours on a database: see calm_engine.py."""
    from calm_engine import Bot

    made = Bot(tmp_path, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def calm_files():
    """The files to copy, by what they are."""
    from calm_engine import CALM

    names = {"flows": "data", "domain": "domain", "e2e_tests": "e2e_tests"}
    return SimpleNamespace(**{name: CALM / folder / "handover.yml" for name, folder in names.items()})
