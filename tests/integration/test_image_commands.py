"""The commands of the images are commands of Rasa's, with options that it has."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.__main__ import create_argument_parser
from rasa_sdk.__main__ import create_argument_parser as create_parser_of_actions

pytestmark = pytest.mark.rasa

DOCKERFILE = (Path(__file__).parents[2] / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
COMMANDS = [json.loads(each) for each in re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)]
COMMANDS += [shlex.split(each) for each in re.findall(r"^RUN (rasa .*)$", DOCKERFILE, re.MULTILINE)]


def test_there_are_a_training_and_two_servers():
    assert [command[:3] for command in COMMANDS] == [
        ["rasa", "run", "--interface"],
        ["python", "-m", "rasa_sdk"],
        ["rasa", "train", "--out"],
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: " ".join(each[:3]))
def test_the_command_is_understood(command):
    if command[0] == "rasa":
        create_argument_parser().parse_args(command[1:])
    else:
        create_parser_of_actions().parse_args(command[3:])
