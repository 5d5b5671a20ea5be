"""`handover export`: the command, what it writes where, and what it refuses, all at once."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from play import PSID, START, settings_with

from handover_channel import services
from handover_channel.cli import main
from handover_channel.errors import SettingsError, StoreUnavailable
from handover_channel.exports import output_file
from handover_channel.rasa import trackers
from handover_channel.store import exported, threads, transcript
from handover_channel.store.schema import changes
from handover_channel.store.transcript import Line

ROOT = Path(__file__).parents[2]


@pytest.fixture
def conversations(monkeypatch):
    """Rasa's conversations, by thread."""
    found = {}

    @contextlib.contextmanager
    def reader(endpoints):
        yield lambda thread: found.get(thread, [])

    monkeypatch.setattr(trackers, "reader", reader)
    return found


@pytest.fixture
def handover(monkeypatch, capsysbinary, store):
    """Run the command on the test's database: exit code, standard output, standard error."""
    parts = services.Services(settings_with(), store, None, None)
    monkeypatch.setattr(services, "from_config", lambda: parts)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", "export", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main.main()
        out, err = capsysbinary.readouterr()
        return end.value.code, out.decode(), err.decode()

    return run


@pytest.fixture
def two_lines(store):
    """One handover, with two lines."""
    with store.writing() as connection:
        threads.get_or_add(connection, PSID, channel="facebook", page="1", now=START)
        row = {"thread": PSID, "owner": "", "reason": "handed_over", "who": "bot", "note": ""}
        moved = {"at": START, "control_before": "bot", "control": "inbox", "target": "inbox"}
        connection.execute(sa.insert(changes).values(**row, **moved))
        transcript.add(connection, PSID, Line("person", "=1+1", int(START * 1000) + 1, mid="m_1"))
        transcript.add(connection, PSID, Line("agent", "أهلا\nوسهلا", int(START * 1000) + 2, agent="sara"))


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_handovers_go_to_standard_output_and_nothing_else(handover, two_lines):
    code, out, err = handover("--handovers")

    (row,) = rows(out)
    assert (code, err) == (0, "")
    assert (row["thread"], row["target"], row["channel"]) == (PSID, "inbox", "facebook")
    assert row["first_answer_at"] == "2023-11-14T22:13:20.002Z"


def test_transcripts_are_csv_without_formulas_or_json_lines_as_they_are(handover, two_lines):
    assert [row["text"] for row in rows(handover("--transcripts")[1])] == ["'=1+1", "أهلا\nوسهلا"]

    _, out, _ = handover("--transcripts", "--format", "jsonl")

    assert [json.loads(line)["text"] for line in out.splitlines()] == ["=1+1", "أهلا\nوسهلا"]


def test_without_rows_there_is_a_header(handover):
    assert handover("--handovers")[1].startswith("thread,page,")
    assert handover("--transcripts", "--format", "jsonl")[:2] == (0, "")


def test_time_and_target_choose_the_rows(handover, two_lines):
    def count(*options):
        return len(rows(handover("--transcripts", *options)[1]))

    assert count("--since", "2023-11-14", "--until", "2023-11-14") == 2
    assert count("--since", "2023-11-15") == 0
    assert count("--until", "2023-11-13") == 0
    assert count("--since", "1 day") == 0
    assert count("--target", "inbox") == 2
    assert count("--target", "sales_bot") == 0


def test_pseudonyms_leave_no_id_of_the_person(handover, two_lines):
    _, out, _ = handover("--transcripts", "--pseudonyms")

    assert PSID not in out
    assert "m_1" not in out
    assert len({row["thread"] for row in rows(out)}) == 1


def test_a_file_is_its_owners_alone_and_its_ending_says_how(handover, two_lines, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text("the one before")
    path.chmod(0o644)

    code, out, err = handover("--transcripts", "--output", path)

    assert (code, out) == (0, "")
    assert err == f"{path}: 2 rows\n"
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.glob("*lines*")] == ["lines.jsonl"]


def test_excel_gets_its_mark(handover, two_lines, tmp_path):
    path = tmp_path / "lines.csv"
    handover("--transcripts", "--excel", "--output", path)

    assert path.read_bytes().startswith(b"\xef\xbb\xbfthread,")


def test_what_fails_in_the_middle_leaves_the_old_file_and_nothing_beside_it(
    handover, two_lines, tmp_path, monkeypatch
):
    path = tmp_path / "lines.csv"
    path.write_text("the one before")
    lines = exported.lines

    def breaks(*given):
        yield from lines(*given)
        raise StoreUnavailable("the database is out of reach")

    monkeypatch.setattr(exported, "lines", breaks)

    code, _, err = handover("--transcripts", "--output", path)

    assert (code, err) == (2, "the database is out of reach\n")
    assert path.read_text() == "the one before"
    assert [each.name for each in tmp_path.glob("*lines*")] == ["lines.csv"]


def test_a_disk_that_is_full_is_a_sentence_and_leaves_nothing(handover, two_lines, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output_file.os, "fsync", full)
    code, _, err = handover("--transcripts", "--output", tmp_path / "lines.csv")

    assert code == 2
    assert "lines.csv cannot be written: No space left on device -> nothing was left there" in err
    assert not list(tmp_path.glob("*lines*"))


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_all_that_is_wrong_is_said_at_once_and_nothing_is_written(handover, two_lines, tmp_path, monkeypatch):
    monkeypatch.setattr(
        output_file.os, "access", lambda path, mode: mode == os.R_OK
    )  # root may write everything

    code, out, err = handover(
        "--handovers", "--since", "yesterday", "--until", "soon", "--format", "xml",
        "--target", "nobody", "--output", tmp_path / "a.csv",
    )  # fmt: skip

    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 5
    assert [line for line in lines if " -> " not in line] == []
    for said in ("'yesterday'", "'soon'", "'xml'", "'nobody'", f"nothing may be written in {tmp_path}"):
        assert said in err
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which"),
        (["--handovers", "--transcripts"], "say which"),
        ([PSID, "--handovers"], "say which"),
        ([PSID, "--since", "1 day"], "--since is for --handovers and --transcripts and --as-nlu -> leave it"),
        (["--as-nlu", "--target", "inbox"], "--target is for --handovers and --transcripts -> leave it away"),
        (["--handovers", "--country", "EG"], "--country is for --as-nlu -> leave it away"),
        (["--as-nlu", "--country", "Egypt"], "--country: EGYPT is none -> two letters"),
        (["--handovers", "--excel", "--format", "jsonl"], "--excel is for CSV"),
        (["--handovers", "--since", "2023-02-02", "--until", "2023-02-01"], "--until is before --since"),
        (["--handovers", "--output", "."], "is a folder -> name a file in it"),
        (["--handovers", "--output", "nowhere/a.csv"], "there is no folder nowhere -> make it first"),
        (["--handovers", "--output", "/dev/null"], "/dev/null is no file -> leave --output away"),
    ],
)
def test_what_does_not_go_together_is_refused(handover, arguments, said):
    code, out, err = handover(*arguments)

    assert (code, out) == (2, "")
    assert said in err


def test_without_a_database_none_is_made(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)
    (tmp_path / "handover.yml").write_text('app_id: "1111"')
    (tmp_path / "credentials.yml").write_text(
        "handover_channel.MessengerInput: {verify: w, secret: demo-app-secret, page-access-token: t}"
    )
    monkeypatch.setattr(sys, "argv", ["handover", "export", "--handovers", "--since", "soon"])
    with pytest.raises(SystemExit) as end:
        main.main()

    err = capsys.readouterr().err
    assert end.value.code == 2
    assert "'soon'" in err
    assert "there is no database" in err
    assert not list(tmp_path.glob("*.db*"))


def test_what_is_wrong_with_the_settings_is_said_with_the_rest(handover, monkeypatch):
    def wrong():
        raise SettingsError(["handover.yml: one", "handover.yml: two"])

    monkeypatch.setattr(services, "from_config", wrong)

    err = handover("--handovers", "--since", "soon")[2]

    assert "'soon'" in err
    assert err.endswith("handover.yml: one\nhandover.yml: two\n")


def test_a_reader_that_has_enough_is_no_error(tmp_path):
    code = (
        "import sys, signal\n"
        "from handover_channel.exports import output_file\n"
        "with output_file.opened(None) as stream:\n"
        "    for number in range(200_000): stream.write('row\\n')\n"
    )
    ran = subprocess.run(  # noqa: S602  (our own line)
        f'{sys.executable} -c "$CODE" | head -1',
        shell=True,
        env={**os.environ, "CODE": code, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert (ran.stdout, ran.stderr) == ("row\n", "")


# --- suggestions ---


def user(text, intent):
    return {"event": "user", "text": text, "timestamp": START, "parse_data": {"intent": {"name": intent}}}


def test_suggestions_are_what_was_said_before_and_what_was_not_understood(
    handover, two_lines, store, conversations
):
    from handover_channel.store import profiles

    with store.writing() as connection:
        profiles.put(connection, profiles.Profile(PSID, "Sara Ali", "", START))
    conversations[PSID] = [
        user("qwertz", "nlu_fallback"),
        user("it's Sara, mail me: sara@example.com", "ask"),
        user("a human", "handover"),
    ]

    code, out, err = handover("--as-nlu")

    assert (code, err) == (0, "")
    assert yaml.safe_load(out)["nlu"] == [
        {"intent": "handover_export_said_before", "examples": "- it's NAME, mail me: EMAIL\n"},
        {"intent": "handover_export_not_understood", "examples": "- qwertz\n"},
    ]


def test_suggestions_go_into_a_file_that_is_its_owners_alone(handover, two_lines, conversations, tmp_path):
    path = tmp_path / "suggestions.yml"
    conversations[PSID] = [user("qwertz", "nlu_fallback")]

    assert handover("--as-nlu", "--output", path)[2] == f"{path}: 1 examples\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_rasas_conversations_a_sentence_says_what_to_do(handover, two_lines, monkeypatch, tmp_path):
    path = tmp_path / "suggestions.yml"
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    code, _, err = handover("--as-nlu", "--output", path)
    assert code == 2
    assert err == "Rasa is not installed here -> run this where Rasa runs\n"

    assert not path.exists()
