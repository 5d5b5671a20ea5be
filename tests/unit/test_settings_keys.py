"""A key that is declared once is known, read, defaulted and documented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Mapping, Optional

import pytest

from handover_channel.settings import keys
from handover_channel.settings.keys import Key, keys_of, names_of, one_of, setting, subsection
from handover_channel.settings.reference import table
from handover_channel.settings.section import Section


class Colour(str, Enum):
    """What a door looks like."""

    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Door:
    """A section of one key of each sort."""

    number: str = setting(meaning="Its number.")
    open_for: Optional[timedelta] = setting(
        name="open-for", read=Section.duration, default="1 hour", meaning="How long it stays open."
    )
    colour: Colour = setting(
        read=one_of(Colour), default="red", meaning="Its colour.", kinds=("wood", "iron")
    )
    names: Mapping[str, str] = setting(
        read=lambda section, key, _: dict(section.section(key).values),
        default="{}",
        meaning="Its names.",
        below=(Key("LANGUAGE", "The name.", default_in_words="none"),),
    )


@dataclass(frozen=True)
class House:
    """A section with one below it."""

    door: Door = subsection(Door, lambda section: keys.read(Door, section), name="front-door")


def section(**values):
    return Section("house.yml", {key.replace("_", "-"): value for key, value in values.items()}, [])


def test_a_key_has_the_name_of_its_field_or_its_own():
    assert names_of(keys_of(Door)) == ("number", "open-for", "colour", "names")
    assert names_of(keys_of(Door, under="NAME.")) == (
        "NAME.number",
        "NAME.open-for",
        "NAME.colour",
        "NAME.names",
    )


def test_a_default_is_read_as_a_value_of_the_file_would_be():
    assert Door("1") == Door("1", timedelta(hours=1), Colour.RED, {})


def test_a_default_that_its_reader_refuses_is_found_where_it_is_declared():
    with pytest.raises(ValueError, match="'soon' is no default: .*write a number and a unit"):
        setting(read=Section.duration, default="soon")


def test_two_sections_do_not_share_a_mapping_as_default():
    assert Door("1").names is not Door("2").names


def test_values_are_read_by_the_reader_of_their_key():
    given = section(open_for="2 hours", colour="green", names={"en": "gate"})

    assert keys.values(Door, given, known={"number": "7"}) == {
        "number": "7",
        "open_for": timedelta(hours=2),
        "colour": Colour.GREEN,
        "names": {"en": "gate"},
    }
    assert given.problems == []


def test_what_is_absent_or_refused_has_its_default():
    given = section(colour="blue")

    assert keys.values(Door, given, known={"number": "7"}) == {
        "number": "7",
        "open_for": timedelta(hours=1),
        "colour": Colour.RED,
        "names": {},
    }
    assert given.problems == ['house.yml: colour is "blue": write one of red, green']


def test_problems_come_in_the_order_of_the_fields_but_for_those_read_last():
    given = section(names="x", colour="blue", open_for="soon")
    readers = {"number": lambda section, key, _: section.required(key, "count the doors")}
    keys.values(Door, given, readers=readers, last=("colour", "number"))

    assert [problem.split()[1] for problem in given.problems] == ["open-for", "names", "colour", "number"]


def test_a_key_that_no_field_declares_is_refused():
    given = section(front_door={"color": "red", "number": "1"})
    with pytest.raises(TypeError, match="number"):  # which has no reader: only `values` can be told it
        keys.read(House, given)

    assert given.problems == ["house.yml: front-door.color is not a setting: did you mean colour?"]


def test_the_reference_has_a_row_for_each_key_that_says_something():
    assert table(keys_of(House)).splitlines() == [
        "| key | default | meaning |",
        "|---|---|---|",
        "| `front-door.number` | | Its number. |",
        "| `front-door.open-for` | `1 hour` | How long it stays open. |",
        "| `front-door.colour` | `red` | For `wood` and `iron`: Its colour. |",
        "| `front-door.names` | `{}` | Its names. |",
        "| `front-door.names.LANGUAGE` | none | The name. |",
    ]
