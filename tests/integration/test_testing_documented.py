"""The first test of docs/testing.md, run as it is written: pytest in a bot's folder, with our fixtures."""

from __future__ import annotations

import shutil

import pytest
import pytest_runs
from documents import ROOT, blocks_of
from stack import copy_project

pytestmark = pytest.mark.rasa

DOCUMENT = ROOT / "docs" / "testing.md"


@pytest.fixture
def project(tmp_path, model):
    """A bot's folder: the example bot."""
    copy_project(tmp_path, model, 1)
    for name in ("handover.yml", "credentials.yml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_the_first_test_has_ten_lines_and_passes_as_it_is_written(project):
    (block,) = (each for each in blocks_of(DOCUMENT) if each.file == "test_handover.py")
    lines = block.text.splitlines()[1:]
    (project / "test_handover.py").write_text(block.text)
    shutil.copytree(ROOT / "tests" / "scenarios", project / "tests" / "scenarios")

    ran = pytest_runs.run(project, "test_handover.py")

    assert len(lines) == 10
    assert "1 passed" in ran.stdout, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_a_test_that_fails_prints_the_conversation(project):
    test = 'def test_it(person, expect):\n    person.says("talk to sales")\n    expect.control("inbox")\n'
    (project / "test_it.py").write_text(test)

    ran = pytest_runs.run(project, "test_it.py")

    assert "1 failed" in ran.stdout
    assert "it is with:       sales_bot" in ran.stdout
    assert "bot           I am handing you over to a colleague." in ran.stdout
    assert "------------- control: bot -> sales_bot" in ran.stdout


def test_a_bot_that_cannot_be_tested_is_told_in_words(project):
    (project / "handover.yml").write_text("app_id: 1\ntargts: {}\n")
    (project / "test_it.py").write_text("def test_it(person):\n    pass\n")

    ran = pytest_runs.run(project, "test_it.py")

    assert "targts" in ran.stdout
    assert "Traceback" not in ran.stdout
