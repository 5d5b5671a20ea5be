"""People answer in the inbox page, in a real browser: two agents, and somebody new in each test."""

from __future__ import annotations

import pytest
from stack import eventually

pytest.importorskip("playwright")

from playwright.sync_api import expect

pytestmark = [pytest.mark.rasa, pytest.mark.browser]


@pytest.fixture
def stack(office):
    return office.stack


@pytest.fixture
def person(stack):
    """Somebody whom the bot has handed over to the inbox, and who has asked for something there."""
    person = stack.person()
    person.says("when are you open")
    person.settled()
    person.goes_to("inbox")
    person.says("my parcel is wet")
    person.settled()
    return person


def test_a_conversation_from_handover_to_return(stack, anna, ben):
    person = stack.person("Ada Lovelace")
    person.says("when are you open")
    person.settled()

    person.goes_to("inbox")
    person.says("my parcel is wet")

    for window in (anna, ben):  # nobody has loaded the page anew
        expect(window.item(person)).to_contain_text("my parcel is wet")
        expect(window.item(person)).to_contain_text("Ada Lovelace")
    anna.opens(person)
    for said in ("when are you open", "We are open", "Handed over to inbox", "my parcel is wet"):
        expect(anna.messages).to_contain_text(said)
    ben.opens(person)

    anna.button("Answer this").click()
    expect(ben.page.locator(".acts summary")).to_contain_text("Anna Weber")
    anna.answers("We send you a new one")

    eventually(lambda: person.heard()[-1] == "We send you a new one")
    expect(ben.messages).to_contain_text("We send you a new one")
    expect(anna.reply).to_have_value("")

    anna.button("Return to bot").click()
    anna.page.get_by_label("Note for colleagues").fill("sent a new parcel")
    anna.page.locator("#return button.primary").click()

    expect(ben.messages).to_contain_text("Anna Weber returned it to the bot")
    expect(ben.messages).to_contain_text("sent a new parcel")
    person.settled()
    assert person.control == "bot"
    assert person.heard()[-1].startswith("My colleague has given you back to me")
    person.says("when are you open")
    person.settled()
    assert person.heard()[-1].startswith("We are open")
    assert "sent a new parcel" not in str(person.calls())
