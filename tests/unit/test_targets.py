"""The targets of handover.yml, of every kind."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from handover_channel.messenger.events import INSTAGRAM_INBOX_APP_ID, PAGE_INBOX_APP_ID
from handover_channel.rules.business_hours import Hours, Span
from handover_channel.settings import targets as targets_section
from handover_channel.settings import yaml_file
from handover_channel.settings.section import Section
from handover_channel.settings.targets import INBOX_ALONE, KEYS, Target, TargetKind, read

HOURS = timedelta(hours=12)


def targets_and_problems(text):
    """What `targets:` with the lines of *text* gives, for the bot with the app id 1111."""
    values, unreadable = yaml_file.parse(text, {})
    section = Section("handover.yml", values, [], "targets")

    assert unreadable == []
    return read(section, app_id="1111", time_limit=HOURS), section.problems


def test_every_kind_of_target_comes_with_the_app_id_that_gets_control():
    targets, problems = targets_and_problems("""
        desk: {kind: inbox, answer_within: 10 minutes}
        page: {kind: page_inbox}
        instagram: {kind: page_inbox, app_id: 1217981644879628}
        sales: {kind: app, app_id: 02222, metadata: from the shop bot, time_limit: 2 days, stay_muted: true}
    """)

    assert problems == []
    assert targets == {
        "desk": Target("desk", TargetKind.INBOX, time_limit=HOURS, answer_within=timedelta(minutes=10)),
        "page": Target("page", TargetKind.PAGE_INBOX, PAGE_INBOX_APP_ID, time_limit=HOURS),
        "instagram": Target("instagram", TargetKind.PAGE_INBOX, INSTAGRAM_INBOX_APP_ID, time_limit=HOURS),
        "sales": Target(
            "sales", TargetKind.APP, "02222", "from the shop bot", timedelta(days=2), stay_muted=True
        ),
    }


def test_a_title_is_one_for_every_language_or_one_for_each():
    targets, problems = targets_and_problems("""
        desk: {kind: inbox, title: Front desk}
        page: {kind: page_inbox, title: {en: Page, ar: الصفحة}}
        sales: {kind: app, app_id: 2222, title: {ar: المبيعات}}
        tool: {kind: app, app_id: 3333}
    """)

    assert problems == []
    assert {name: (found.title.get("en"), found.title.get("ar")) for name, found in targets.items()} == {
        "desk": ("Front desk", "Front desk"),
        "page": ("Page", "الصفحة"),
        "sales": ("المبيعات", "المبيعات"),
        "tool": (None, None),
    }


@pytest.mark.parametrize(
    ("title", "problem"),
    [
        ("{}", "title has no name: write one for en or ar"),
        ("{de: Verkauf}", "title.de"),
        ("[Sales]", "title"),
    ],
)
def test_a_title_that_is_none_is_refused(title, problem):
    _, problems = targets_and_problems(f"desk: {{kind: inbox, title: {title}}}")

    assert any(f"targets.desk.{problem}" in each for each in problems), problems


@pytest.mark.parametrize("off", ["false", "null", ""])
def test_a_target_may_have_no_time_limit_at_all(off):
    targets, problems = targets_and_problems(f"desk: {{kind: inbox, time_limit: {off}}}")

    assert problems == []
    assert targets["desk"].time_limit is None


def test_the_inbox_alone_is_a_target_without_problems():
    section = Section("handover.yml", INBOX_ALONE, [], "targets")

    assert list(read(section, app_id="1111", time_limit=HOURS)) == ["inbox"]
    assert section.problems == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x: {}", "targets.x.kind is missing: write one of inbox, page_inbox, app"),
        ("x:", "targets.x.kind is missing: write one of inbox, page_inbox, app"),
        ("x: inbox", "targets.x must hold keys and values: write them one a line, further to the right"),
        ("x: {kind: page-inbox}", 'targets.x.kind is "page-inbox": did you mean page_inbox?'),
        ("x: {kind: human}", 'targets.x.kind is "human": write one of inbox, page_inbox, app'),
        ('"": {kind: inbox}', 'targets."" is a target without a name: write one before the colon'),
        ('" ": {kind: inbox}', 'targets."" is a target without a name: write one before the colon'),
        ("~: {kind: inbox}", 'targets."" is a target without a name: write one before the colon'),
        ("x: {kind: app}", "targets.x.app_id is missing: write the id of the Meta app that gets control"),
        ("x: {kind: app, app_id: sales}", 'targets.x.app_id is "sales": Meta\'s app ids are digits only'),
        ("x: {kind: app, app_id: ٢٢٢}", 'targets.x.app_id is "٢٢٢": Meta\'s app ids are digits only'),
        (
            "x: {kind: app, app_id: 1111}",
            'targets.x.app_id is "1111", this bot\'s own: write the id of the app that gets control',
        ),
        ("x: {kind: inbox, app_id: 2222}", "targets.x.app_id means nothing for kind inbox: leave it out"),
        (
            "x: {kind: inbox, metadata: hello}",
            "targets.x.metadata means nothing for kind inbox: leave it out",
        ),
        (
            "x: {kind: inbox, stay_muted: true}",
            "targets.x.stay_muted means nothing for kind inbox: leave it out",
        ),
        (
            "x: {kind: page_inbox, answer_within: 5 min}",
            "targets.x.answer_within means nothing for kind page_inbox: leave it out",
        ),
        (
            "x: {kind: page_inbox, app_id: 2222}",
            'targets.x.app_id is "2222": leave it out, the Page inbox has the same one everywhere',
        ),
        (
            "x: {kind: inbox, timelimit: 2 days}",
            "targets.x.timelimit is not a setting: did you mean time_limit?",
        ),
        (
            "x: {kind: inbox, time_limit: soon}",
            'targets.x.time_limit is "soon": write a number and a unit, such as "30 minutes", "12 hours" or '
            '"2 days" (seconds, minutes, hours, days or weeks)',
        ),
        (
            "x: {kind: inbox, answer_within: 0 minutes}",
            'targets.x.answer_within is "0 minutes": a duration is 1 second at least',
        ),
        (
            "x: {kind: page_inbox, metadata: {a: b}}",
            "targets.x.metadata must be text, as Meta takes no other: write it in quotes, JSON too",
        ),
        (
            f"x: {{kind: page_inbox, metadata: {'m' * 1001}}}",
            "targets.x.metadata has 1001 characters; 1000 are allowed: shorten it",
        ),
        ("x: {kind: page_inbox, stay_muted: maybe}", 'targets.x.stay_muted is "maybe": write true or false'),
    ],
)
def test_a_target_that_cannot_work_is_refused_with_the_remedy(text, problem):
    assert targets_and_problems(text)[1] == [f"handover.yml: {problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a: {kind: app, app_id: 22}\nb: {kind: app, app_id: 22}",
            'targets.b.app_id is "22", as that of a: keep one of the two targets',
        ),
        (
            'a: {kind: app, app_id: 22}\nb: {kind: app, app_id: "022"}',
            'targets.b.app_id is "022", as that of a: keep one of the two targets',
        ),
        (
            "a: {kind: page_inbox}\nb: {kind: page_inbox, time_limit: 1 day}",
            "targets.b.kind is page_inbox, as that of a: keep one of the two targets",
        ),
        (
            f"a: {{kind: app, app_id: {PAGE_INBOX_APP_ID}}}",
            f'targets.a.app_id is "{PAGE_INBOX_APP_ID}", the Page inbox: '
            "leave it out and write kind: page_inbox",
        ),
        (
            f"a: {{kind: app, app_id: {INSTAGRAM_INBOX_APP_ID}}}",
            f'targets.a.app_id is "{INSTAGRAM_INBOX_APP_ID}", the inbox of Instagram: '
            "write kind: page_inbox with it",
        ),
        (
            'a: {kind: app, app_id: "01111"}',
            'targets.a.app_id is "01111", this bot\'s own: write the id of the app that gets control',
        ),
    ],
)
def test_two_targets_for_one_app_and_an_inbox_as_another_app_are_refused(text, problem):
    assert targets_and_problems(text)[1] == [f"handover.yml: {problem}"]


def test_the_inboxes_of_a_page_and_of_instagram_are_two_targets():
    text = f"a: {{kind: page_inbox}}\nb: {{kind: page_inbox, app_id: {INSTAGRAM_INBOX_APP_ID}}}"

    assert targets_and_problems(text)[1] == []


def test_a_target_of_unknown_kind_has_its_other_typos_reported_too():
    _, problems = targets_and_problems("x: {kind: human, ap_id: 2222}")

    assert problems == [
        'handover.yml: targets.x.kind is "human": write one of inbox, page_inbox, app',
        "handover.yml: targets.x.ap_id is not a setting: did you mean app_id?",
    ]


def test_metadata_may_be_as_long_as_meta_allows():
    assert targets_and_problems(f"x: {{kind: page_inbox, metadata: {'m' * 1000}}}")[1] == []


def test_an_inbox_may_have_business_hours():
    targets, problems = targets_and_problems("""
        desk:
          kind: inbox
          hours: {timezone: Asia/Riyadh, sunday-tuesday: 9:00-12:00, thursday: "13:00-17:00, 9:00-12:00"}
    """)

    morning, afternoon = Span(540, 720), Span(780, 1020)
    week = {6: (morning,), 0: (morning,), 1: (morning,), 3: (morning, afternoon)}
    assert problems == []
    assert targets["desk"].hours == Hours(ZoneInfo("Asia/Riyadh"), week)


@pytest.mark.parametrize("off", ["", "hours: false", "hours: null"])
def test_without_business_hours_somebody_is_always_there(off):
    targets, problems = targets_and_problems(f"desk: {{kind: inbox, {off}}}")

    assert (targets["desk"].hours, problems) == (None, [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("monday: 9:00-17:00", "hours.timezone is missing: write one such as Asia/Riyadh or Europe/Berlin"),
        (
            "timezone: Asia/Riyad, monday: 9:00-17:00",
            'hours.timezone is "Asia/Riyad": did you mean Asia/Riyadh?',
        ),
        (
            "timezone: here, monday: 9:00-17:00",
            'hours.timezone is "here": write one such as Asia/Riyadh or Europe/Berlin',
        ),
        (
            "timezone: Asia/Riyadh",
            'hours has no day: write one, as in sunday-thursday: "9:00-17:00", or leave it out',
        ),
        (
            "timezone: Asia/Riyadh, sun: 9:00-17:00",
            "hours.sun is no day: write a day or two, as in sunday-thursday, of monday, tuesday, wednesday, "
            "thursday, friday, saturday, sunday",
        ),
        (
            "timezone: Asia/Riyadh, sunday: ",
            'hours.sunday is missing: write times as in "9:00-17:00", or leave the day out',
        ),
        (
            "timezone: Asia/Riyadh, sunday: 9-17",
            'hours.sunday is "9-17": write times as in "9:00-17:00" or "9:00-12:00, 13:00-17:00"',
        ),
        (
            "timezone: Asia/Riyadh, sunday-tuesday: 9:00-17:00, monday: 9:00-12:00",
            "hours.monday has a day that another line has too: keep one of them",
        ),
    ],
)
def test_business_hours_that_cannot_be_are_refused_with_the_remedy(text, problem):
    assert targets_and_problems(f"x: {{kind: inbox, hours: {{{text}}}}}")[1] == [
        f"handover.yml: targets.x.{problem}"
    ]


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/localtime", "Europe", "x" * 300, "Europe/\\0"])
def test_a_time_zone_is_a_name_and_never_a_file(zone):
    (problem,) = targets_and_problems(
        f'x: {{kind: inbox, hours: {{timezone: "{zone}", monday: 9:00-17:00}}}}'
    )[1]

    assert problem.startswith("handover.yml: targets.x.hours.timezone is ")


def test_a_machine_without_time_zones_is_told_how_to_get_them(monkeypatch):
    def unknown(name):
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(targets_section, "ZoneInfo", unknown)
    monkeypatch.setattr(targets_section, "available_timezones", set)

    (problem,) = targets_and_problems("x: {kind: inbox, hours: {timezone: Asia/Riyadh, monday: 9:00-17:00}}")[
        1
    ]

    assert problem.endswith('"Asia/Riyadh": this machine knows none, pip install tzdata')


def test_every_kind_has_its_keys():
    assert set(KEYS) == set(TargetKind)
