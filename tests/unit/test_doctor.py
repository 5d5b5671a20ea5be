"""How the doctor looks, and what it reports: the checks themselves have files of their own."""

from __future__ import annotations

import json
import threading

import pytest

from handover_channel.doctor.check import Check, CouldNotLook, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import Report, Result, Status, Where, to_json
from handover_channel.doctor.run import CHECKS, chosen, examine
from handover_channel.errors import GraphError, NotKnown
from handover_channel.sentences import Sentence

SAID = Sentence("it is so")
TITLE = Sentence("A title")


def facts(tmp_path, **more):
    return Facts(str(tmp_path / "handover.yml"), environ={}, **more)


def check(id, *found, **more):
    return Check(id, TITLE, lambda facts: found, **more)


def raising(id, error):
    def look(facts):
        raise error

    return Check(id, TITLE, look)


def statuses(report):
    return {each.id: each.status.value for each in report.results}


def result(status):
    return Result("a", status, TITLE)


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ([], "ok", 0),
        (["ok", "warn"], "warn", 0),
        (["ok", "could_not_look", "warn"], "could_not_look", 2),
        (["could_not_look", "fail", "ok"], "fail", 1),
    ],
)
def test_the_exit_code_tells_wrong_from_could_not_look(given, status, code):
    report = Report(tuple(result(Status(each)) for each in given))

    assert (report.status.value, report.exit_code) == (status, code)


def test_the_json_has_every_key_of_its_schema():
    found = fail(SAID, Sentence("why"), Sentence("click"), Where("a page", "https://facebook.com/x"))
    shown = to_json(Report((found.result(check("a.b")),)), say=lambda text: text.upper())

    assert json.loads(json.dumps(shown)) == {
        "schema": 1,
        "status": "fail",
        "checks": [
            {
                "id": "a.b",
                "status": "fail",
                "title": "A TITLE",
                "found": "IT IS SO",
                "why": "WHY",
                "where": {"name": "a page", "url": "https://facebook.com/x"},
                "remedy": "CLICK",
            }
        ],
    }


def test_a_check_that_finds_nothing_is_ok(tmp_path):
    assert statuses(examine(facts(tmp_path), checks=[check("a")])) == {"a": "ok"}


def test_what_cannot_be_reached_ends_its_own_check_alone(tmp_path):
    checks = [
        raising("a", CouldNotLook(SAID, Sentence("wait"))),
        raising("b", GraphError("(#1) no")),
        raising("c", ValueError("token-of-somebody")),
        check("d", ok(SAID)),
    ]

    report = examine(facts(tmp_path), checks=checks)

    assert statuses(report) == dict.fromkeys("abc", "could_not_look") | {"d": "ok"}
    assert report.results[0].line == "it is so -> wait"
    assert "token-of-somebody" not in json.dumps(to_json(report))


def test_a_check_that_hangs_costs_the_others_nothing(tmp_path):
    end = threading.Event()
    hanging = Check("a", TITLE, lambda facts: [ok(SAID)] if end.wait(60) else [])

    report = examine(facts(tmp_path, seconds=0.3), checks=[hanging, check("b", warn(SAID, SAID, SAID))])
    end.set()

    assert statuses(report) == {"a": "could_not_look", "b": "warn"}
    assert "0.3 s" in report.results[0].line


def test_whoever_waits_for_what_hangs_is_told_so_at_the_deadline(tmp_path):
    begun, end, given = threading.Event(), threading.Event(), facts(tmp_path, seconds=0.3)
    first = threading.Thread(target=lambda: given.once("a", lambda: begun.set() or end.wait(60)))
    first.start()

    begun.wait(60)
    with pytest.raises(CouldNotLook, match=r"no answer in time \(0\.3 s\)"):
        given.once("a", list)
    end.set()
    first.join()


def test_a_check_that_is_not_for_this_bot_does_not_appear(tmp_path):
    there = check("b", applies=lambda facts: True)

    assert statuses(examine(facts(tmp_path), checks=[check("a", applies=lambda _: False), there])) == {
        "b": "ok"
    }


def test_each_source_is_read_once_for_all_checks_and_its_fault_is_told_to_each(tmp_path):
    asked, given = [], facts(tmp_path)

    def source():
        asked.append(1)
        raise CouldNotLook(SAID)

    checks = [Check(each, TITLE, lambda facts: facts.once("source", source)) for each in "abc"]

    assert statuses(examine(given, checks=checks)) == dict.fromkeys("abc", "could_not_look")
    assert len(asked) == 1


# --- only, fix -----------------------------------------------------------------------------------


def test_only_takes_an_id_or_the_beginning_of_ids(tmp_path):
    checks = [check("token.valid"), check("token.page"), check("tokens"), check("webhook.app")]

    assert [each.id for each in chosen(["token"], checks)] == ["token.valid", "token.page"]
    assert [each.id for each in chosen(["webhook.app", "tokens"], checks)] == ["tokens", "webhook.app"]


def test_an_unknown_check_is_refused_with_those_that_there_are():
    with pytest.raises(NotKnown, match=r"tokn -> write one of: .*settings\.valid"):
        chosen(["tokn"])


def with_fix(mended, *, fix):
    def look(facts):
        return facts.once("state", lambda: [ok(SAID)] if mended else [fail(SAID, SAID, SAID)])

    return Check("a", TITLE, look, fix=fix)


def test_nothing_is_changed_unless_it_is_asked_for(tmp_path):
    mended = []

    report = examine(facts(tmp_path), checks=[with_fix(mended, fix=lambda facts: mended.append(1))])

    assert (statuses(report), mended) == ({"a": "fail"}, [])


def test_what_is_put_right_is_looked_at_again(tmp_path):
    mended, well = [], []
    checks = [
        with_fix(mended, fix=lambda facts: mended.append(1)),
        check("b", ok(SAID), fix=lambda facts: well.append(1)),
    ]

    report = examine(facts(tmp_path), checks=checks, fix=True)

    assert (statuses(report), mended, well) == ({"a": "ok", "b": "ok"}, [1], [])


def test_what_cannot_be_put_right_says_why(tmp_path):
    def refused(facts):
        raise GraphError("(#10) not allowed")

    report = examine(facts(tmp_path), checks=[with_fix([], fix=refused)], fix=True)

    assert [each.status.value for each in report.results] == ["fail", "fail"]
    assert report.results[1].line == "it could not be put right: (#10) not allowed"


def test_ids_are_lower_case_words_with_dots_and_no_two_are_the_same():
    ids = [each.id for each in CHECKS]

    assert len(ids) == len(set(ids))
    assert all(each.replace(".", "").replace("_", "").isalpha() and each.islower() for each in ids)


# --- the settings ----------------------------------------------------------------------------------


def test_each_problem_of_the_settings_is_a_finding_of_its_own(tmp_path):
    (tmp_path / "handover.yml").write_text("app_id: x\ntargts: {}\n", encoding="utf-8")
    (tmp_path / "credentials.yml").write_text(
        "handover_channel.MessengerInput: {verify: v}\n", encoding="utf-8"
    )

    report = examine(facts(tmp_path), only=["settings.valid"])

    assert {each.status.value for each in report.results} == {"fail"}
    assert len(report.results) >= 4
    assert any("targts is not a setting: did you mean targets?" in each.line for each in report.results)


def test_no_settings_at_all_is_a_finding(tmp_path):
    report = examine(facts(tmp_path), only=["settings.valid"])

    assert report.exit_code == 1
    assert "there is no " in report.results[0].line
    assert report.results[0].where == Where("handover.yml")


def test_good_settings_are_ok(tmp_path):
    (tmp_path / "handover.yml").write_text("app_id: '1'\npage_access_token: t\n", encoding="utf-8")

    assert statuses(examine(facts(tmp_path), only=["settings.valid"])) == {"settings.valid": "ok"}
