"""docs/settings.md says what the code does: every setting, and every default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handover_channel.settings import inbox as inbox_settings
from handover_channel.settings import loader, targets
from handover_channel.settings.keys import keys_of
from handover_channel.settings.reference import TABLES, table, with_reference

TEXT = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")


def described(keys, path=""):
    """The keys and those below them: full name -> what the reference says."""
    return {
        name: meaning
        for key in keys
        for name, meaning in {
            f"{path}{key.name}": key.meaning,
            **described(key.below, f"{path}{key.name}."),
        }.items()
    }


def written_out(keys):
    """The defaults of *keys* as a mapping of YAML."""
    given = ((key.name, key.default or (written_out(key.below) if key.below else "")) for key in keys)
    return f"{{{', '.join(f'{name}: {text}' for name, text in given if text)}}}"


def test_the_reference_is_what_the_sections_declare():
    assert with_reference(TEXT) == TEXT, "make docs writes it"


def test_a_table_that_is_not_there_is_not_passed_over():
    with pytest.raises(ValueError, match="no table .* below the heading handover.yml"):
        with_reference(TEXT.replace("| key | default | meaning |", "", 1))


def test_every_key_says_what_it_means():
    sections = {"graph_api", "return", "automatic_replies", "inbox"}  # their keys have rows instead

    for keys in TABLES.values():
        assert {name for name, meaning in described(keys).items() if not meaning} <= sections


@pytest.mark.parametrize("kind", targets.TargetKind)
def test_what_is_for_some_kinds_of_target_says_for_which(kind):
    for key in keys_of(targets.Target):
        kinds = table([key]).splitlines()[2].rpartition(" | ")[2].partition(":")[0]
        everywhere = all(key.name in keys for keys in targets.KEYS.values())

        assert everywhere or (f"`{kind.value}`" in kinds) == (key.name in targets.KEYS[kind]), key.name


def test_the_documented_defaults_are_the_real_ones(tmp_path):
    of_inbox = [key for key in keys_of(targets.Target) if key.name in targets.KEYS[targets.TargetKind.INBOX]]
    root = [key for key in TABLES["handover.yml"] if key.name != "targets"]
    target = f"{{kind: inbox, {written_out(of_inbox)[1:]}"
    given = f"{{app_id: 1111, page_access_token: t, targets: {{inbox: {target}}}, {written_out(root)[1:]}"
    (tmp_path / "documented.yml").write_text(given, encoding="utf-8")
    (tmp_path / "silent.yml").write_text("app_id: 1111\npage_access_token: t", encoding="utf-8")
    spelt_out, silent = (
        loader.load(str(tmp_path / name), environ={}) for name in ("documented.yml", "silent.yml")
    )

    assert given.count(":") > 20
    assert spelt_out == silent


def test_the_placeholders_of_each_text_are_documented():
    meanings = described(TABLES["handover.yml"])
    texts = {
        "joined": inbox_settings.JOINED_PLACEHOLDERS,
        "ahead": inbox_settings.AHEAD_PLACEHOLDERS,
        "canned_replies.NAME": inbox_settings.CANNED_PLACEHOLDERS,
    }

    for key, placeholders in texts.items():
        assert set(re.findall(r"`\{(\w+)\}`", meanings[f"inbox.{key}"])) == set(placeholders), key


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
