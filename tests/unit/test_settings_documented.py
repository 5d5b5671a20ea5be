"""docs/settings.md says what the code does: every setting, and every default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handover_channel.settings import (
    automatic_replies,
    credentials,
    loader,
    locations,
    return_options,
    targets,
)
from handover_channel.settings import inbox as inbox_settings

TEXT = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")

#: Their keys have lines of their own instead.
BLOCKS = {"graph_api", "return", "inbox", "automatic_replies"}


def table(heading):
    """The rows below *heading*: key -> (default, meaning)."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {
        cells[0].strip("` |"): (cells[1].strip("` |") if len(cells) > 2 else "", cells[-1]) for cells in rows
    }


def below(path, keys):
    return {f"{path}.{key}" for key in keys}


def test_every_setting_of_handover_yml_is_documented_and_no_other():
    known = set(loader.KEYS) - BLOCKS
    known |= below("graph_api", locations.KEYS) | below("return", return_options.KEYS)
    known |= below("return.keywords", return_options.KEYWORD_KEYS)
    known |= below("automatic_replies", automatic_replies.KEYS)
    known |= below("inbox", inbox_settings.KEYS) | {"inbox.canned_replies.NAME"}
    known |= below("targets.NAME.hours", (targets.TIMEZONE, "DAY"))
    known |= below("targets.NAME", {key for keys in targets.KEYS.values() for key in keys})

    assert set(table("handover.yml")) == known


def test_every_key_of_the_credentials_is_documented_and_no_other():
    known = set(credentials.KEYS) | below("pages", credentials.PAGE_KEYS)

    assert set(table("credentials.yml")) == known


@pytest.mark.parametrize("kind", targets.TargetKind)
def test_what_is_for_some_kinds_of_target_says_for_which(kind):
    rows = table("handover.yml")
    for key in {key for keys in targets.KEYS.values() for key in keys}:
        everywhere = all(key in keys for keys in targets.KEYS.values())
        meaning = rows[f"targets.NAME.{key}"][1]
        named = f"`{kind.value}`" in meaning.partition(":")[0] or f"For `{kind.value}`" in meaning

        assert everywhere or named == (key in targets.KEYS[kind]), key


def test_the_documented_defaults_are_the_real_ones(tmp_path):
    rows = {**table("handover.yml"), **table("credentials.yml")}
    documented = "\n".join(
        ["app_id: 1111", "page_access_token: t", f"grant_requests: {rows['grant_requests'][0]}"]
        + [f"database: {rows['database'][0]}", f"nlu_limit: {rows['nlu_limit'][0]}", "graph_api:"]
        + [f"  {key}: {rows[f'graph_api.{key}'][0]}" for key in locations.KEYS]
        + ["return:"]
        + [f"  {key}: {rows[f'return.{key}'][0]}" for key in return_options.KEYS]
        + ["automatic_replies:"]
        + [f"  {key}: {rows[f'automatic_replies.{key}'][0]}" for key in automatic_replies.KEYS]
        + ["inbox:"]
        + [f"  {key}: {rows[f'inbox.{key}'][0]}" for key in inbox_settings.KEYS]
        + ["targets:", "  inbox:", "    kind: inbox", f"    hours: {rows['targets.NAME.hours'][0]}"]
        + [f"    answer_within: {rows['targets.NAME.answer_within'][0]}"]
    )
    (tmp_path / "documented.yml").write_text(documented, encoding="utf-8")
    (tmp_path / "silent.yml").write_text("app_id: 1111\npage_access_token: t", encoding="utf-8")
    spelt_out, silent = (
        loader.load(str(tmp_path / name), environ={}) for name in ("documented.yml", "silent.yml")
    )

    assert spelt_out == silent


def test_the_placeholders_of_each_text_are_documented():
    rows = table("handover.yml")
    texts = {
        "joined": inbox_settings.JOINED,
        "ahead": inbox_settings.AHEAD,
        "canned_replies.NAME": inbox_settings.CANNED,
    }

    for key, placeholders in texts.items():
        meaning = rows[f"inbox.{key}"][1]
        assert set(re.findall(r"`\{(\w+)\}`", meaning)) == set(placeholders), key


def test_the_business_hours_of_the_page_work(tmp_path):
    example = next(line for line in TEXT.splitlines() if line.startswith("hours: {"))
    target = f"targets: {{desk: {{kind: inbox, {example}}}}}"
    (tmp_path / "handover.yml").write_text(f"app_id: 1\npage_access_token: t\n{target}", encoding="utf-8")

    loaded = loader.load(str(tmp_path / "handover.yml"), environ={})

    assert loaded.target("desk").hours is not None


def test_the_shortest_file_of_the_page_works(tmp_path):
    shortest = TEXT.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "handover.yml").write_text(shortest, encoding="utf-8")
    block = {"verify": "v", "secret": "s", "page-access-token": "t"}

    loaded = loader.load(str(tmp_path / "handover.yml"), environ={}, credentials=block)

    assert loaded.app_id == "1234567890"
