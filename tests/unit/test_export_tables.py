"""CSV and JSON Lines of an export: what is written reads back the same, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import PSID, START

from handover_channel.exports import tables
from handover_channel.exports.tables import Format
from handover_channel.rules import spreadsheets
from handover_channel.store.exported import Handover, SaidLine

_DANGEROUS = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

HANDOVER = Handover(
    PSID, "1", "facebook", "inbox", "handed_over", "bot", START, START + 9.5, START + 60.25, "agent"
)
LINE = SaidLine(PSID, "1", "facebook", "inbox", START, "person", "", "", "hi", [], "m_1", "m_0", None)

#: Texts with a liking for what is special somewhere.
hostile = st.text(
    st.one_of(st.sampled_from("=+-@\t\r\n'\",;\0\u2028\ufeff＝"), st.characters(exclude_categories=["Cs"])),
    max_size=12,
)


def written(rows, how=Format.CSV, columns=("text",), **more):
    stream = io.StringIO(newline="")
    assert tables.write(stream, how, columns, rows, **more) == len(rows)
    return stream.getvalue()


def read_back(text):
    """What a program that knows rule 1 reads."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    return rows[0], [[re.sub(r"^'(?='*[=+\-@\t\r\n＝＋－＠])", "", cell) for cell in row] for row in rows[1:]]


@given(texts=st.lists(hostile, min_size=1))
def test_csv_reads_back_the_same(texts):
    header, rows = read_back(written([{"text": text, "end": "."} for text in texts], columns=("text", "end")))

    assert header == ["text", "end"]
    assert rows == [[text.replace("\0", ""), "."] for text in texts]


@given(text=hostile)
def test_no_cell_begins_like_a_formula(text):
    for row in csv.reader(
        io.StringIO(written([{"text": text, "end": "."}], columns=("text", "end")), newline="")
    ):
        assert not [cell for cell in row if _DANGEROUS.match(cell)]


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1"])
def test_a_text_that_a_spreadsheet_would_calculate_gets_an_apostrophe(text):
    assert spreadsheets.cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "hello", "1 = 1", "'tis", "it's -1", "اهلا"])
def test_any_other_text_stays_as_it_is(text):
    assert spreadsheets.cell(text) == text


@given(texts=st.lists(st.text(max_size=12)))
def test_json_lines_read_back_the_same_one_a_line(texts):
    text = written([{"text": each} for each in texts], Format.JSONL)

    assert [json.loads(line)["text"] for line in text.split("\n")[:-1]] == texts


def test_a_handover_has_iso_times_in_utc_and_how_long_it_lasted():
    row = tables.handover_row(HANDOVER)

    assert list(row) >= list(tables.HANDOVER_COLUMNS[:1])
    assert set(row) == set(tables.HANDOVER_COLUMNS)
    assert row["handed_over_at"] == "2023-11-14T22:13:20.000Z"
    assert row["first_answer_at"] == "2023-11-14T22:13:29.500Z"
    assert row["seconds"] == 60.25


def test_what_is_not_known_is_empty_in_csv_and_null_in_json():
    row = tables.handover_row(HANDOVER.__class__(*list(vars(HANDOVER).values())[:7], None, None, ""))

    assert read_back(written([row], columns=tables.HANDOVER_COLUMNS))[1][0][-4:] == ["", "", "", ""]
    found = json.loads(written([row], Format.JSONL, tables.HANDOVER_COLUMNS))
    assert (found["returned_at"], found["seconds"]) == (None, None)


@pytest.mark.parametrize("at", [9e15, -9e15, float("inf"), float("nan")])
def test_a_time_that_is_none_is_empty(at):
    line = SaidLine(**{**vars(LINE), "at": at})

    assert tables.line_row(line)["at"] is None


def test_files_are_json_in_both():
    line = SaidLine(**{**vars(LINE), "attachments": [{"type": "image", "url": "https://a.example/ü"}]})
    columns = ("attachments",)

    assert (
        json.loads(read_back(written([tables.line_row(line)], columns=columns))[1][0][0]) == line.attachments
    )
    assert (
        json.loads(written([tables.line_row(line)], Format.JSONL, columns))["attachments"] == line.attachments
    )
    assert set(tables.line_row(line)) == set(tables.LINE_COLUMNS)


def test_a_pseudonym_is_the_same_within_a_run_and_another_one_in_the_next():
    one, other = tables.Pseudonyms(), tables.Pseudonyms()

    assert one(PSID) == one(PSID) != one("7002")
    assert one(PSID) != other(PSID)
    assert PSID not in one(PSID)
    assert spreadsheets.cell(one(PSID)) == one(PSID)
    assert one("") == ""


def test_with_pseudonyms_no_id_of_the_thread_or_its_messages_is_left():
    name = tables.Pseudonyms()
    row = tables.line_row(LINE, name)

    assert (row["thread"], row["mid"], row["reply_to"]) == (name(PSID), name("m_1"), name("m_0"))
    assert tables.handover_row(HANDOVER, name)["thread"] == row["thread"]


def test_excel_gets_its_mark_before_the_header_and_nobody_else():
    assert written([], excel=True) == "\ufefftext\r\n"
    assert written([]) == "text\r\n"
