"""The simulator for a bot of any framework: its command line."""

from __future__ import annotations

import pytest

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from handover_channel.simulator import __main__ as command  # noqa: E402
from handover_channel.simulator import server  # noqa: E402


@pytest.fixture
def served(monkeypatch):
    given = {}

    def run(**options):
        given.update(options)
        options["ready"]()

    monkeypatch.setattr(server, "run", run)
    return given


def test_it_serves_without_any_settings_and_says_where(served, capsys):
    assert command.main(["--host", "0.0.0.0", "--port", "8123"]) == 0  # noqa: S104 (handed on)

    out = capsys.readouterr().out
    assert "Control API  http://127.0.0.1:8123/simulator/v1/openapi.json" in out
    assert "Calls        nobody: --callback URL" in out
    assert (served["app_id"], served["default_app"]) == ("1234567890", "1234567890")


def test_it_takes_a_bots_own_ids_further_apps_and_no_default_app(served):
    command.main(
        ["--app-id", "77", "--app", "2222=crm", "--app", "3333", "--no-default-app", "--allow-host", "Sim"]
    )

    assert (served["app_id"], served["default_app"]) == ("77", None)
    assert served["apps"] == {"2222": "crm", "3333": "app 3333"}
    assert served["names"] == {"sim"}


def test_an_app_that_is_none_and_a_port_that_is_taken_are_told(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        command.main(["--app", "crm"])
    assert "'crm' is no app: write its id, or ID=NAME" in capsys.readouterr().err

    def taken(**options):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(server, "run", taken)
    assert command.main([]) == 1
    assert "cannot listen on 127.0.0.1, port 8090: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "99999"], "'99999' is no port: write a number from 1 to 65535"),
        (["--port", "-1"], "'-1' is no port"),
        (["--callback", "nonsense"], "'nonsense' is no URL: write it as http://127.0.0.1:3000/webhook"),
        (["--app-id", "bot"], "'bot' is no id: Meta's are of digits alone"),
        (["--page-id", "shop"], "'shop' is no id"),
        (["--app-id", "77", "--app", "77=crm"], "two apps have the same id"),
        (["--app", "77=crm", "--app", "77=shop"], "two apps have the same id"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence_and_nothing_is(served, capsys, arguments, said):
    try:
        status = command.main(arguments)
    except SystemExit as error:
        status = error.code

    assert status == 2
    assert said in capsys.readouterr().err
    assert not served


def test_further_pages_are_given_with_their_tokens_and_names(served):
    command.main(
        ["--more-page", "2000=token-2=Garden = Shop", "--more-page", "3000=t", "--more-page", "4000"]
    )

    assert [(page.page_id, page.token, page.name) for page in served["more_pages"]] == [
        ("2000", "token-2", "Garden = Shop"),
        ("3000", "t", ""),
        ("4000", "", ""),
    ]


def test_a_page_that_is_none_and_one_that_is_there_twice_are_told(capsys):
    with pytest.raises(SystemExit):
        command.main(["--more-page", "shop"])
    assert "'shop' is no page: write its id, or ID=TOKEN, or ID=TOKEN=NAME" in capsys.readouterr().err

    assert command.main(["--more-page", "2000", "--more-page", "2000"]) == 2
    assert "there is a page '2000' already" in capsys.readouterr().err
