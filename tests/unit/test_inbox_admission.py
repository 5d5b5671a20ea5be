"""Whose request it is, and what is read of it (inbox/admission.py)."""

from __future__ import annotations

import pytest
from inbox_page import PASSWORD, add_agents, services_of

from handover_channel.errors import CsrfRefused, InputRefused, NotAllowed, NotLetIn
from handover_channel.inbox import admission
from handover_channel.inbox.request import Request, SignInFirst
from handover_channel.inbox.route import Route, Who
from handover_channel.store import agents

HOST = "inbox.example"
OURS = {"host": HOST, "origin": f"http://{HOST}"}
FORM = "application/x-www-form-urlencoded"


async def nothing(services, request):
    raise AssertionError("admission calls no route")


SIGNED_IN, ANYBODY = Route("POST", "/x", nothing), Route("POST", "/x", nothing, Who.ANYBODY)


class Body:
    """A body on its way in, which notes what is done with it."""

    def __init__(self, content=b"", too_large=False):
        self.content, self.too_large, self.done = content, too_large, []

    def check_head(self):
        self.done.append("head")
        if self.too_large:
            raise InputRefused("too large", status=413)

    async def read(self):
        self.done.append("read")
        return self.content

    def forgo(self):
        self.done.append("forgone")

    def end(self):
        self.done.append("ended")


@pytest.fixture
def services(play):
    add_agents(play, "sara")
    found = services_of(play)
    yield found
    found.pools.shutdown()


@pytest.fixture
def sara(services):
    """Her cookie, and who she is."""
    return services.auth.sign_in("sara", PASSWORD, address="")


async def test_a_form_of_our_own_page_is_read(services, sara):
    cookie, you = sara
    body = Body(f"text=hello&csrf={you.csrf}".encode())

    found = await admission.of_sender(
        SIGNED_IN, services, Request("POST", cookie=cookie, headers={**OURS, "content-type": FORM}), body
    )

    assert (found.you.name, found.field("text")) == ("sara", "hello")
    assert body.done == ["head", "read", "ended"]


@pytest.mark.parametrize(
    ("wrong", "raised"),
    [
        ({"cookie": "another"}, SignInFirst),
        ({"headers": {**OURS, "origin": "https://evil.example"}}, CsrfRefused),
        ({"headers": {"host": HOST}}, CsrfRefused),
        ({"headers": {**OURS, "x-csrf-token": "another"}}, CsrfRefused),
    ],
)
async def test_a_body_is_not_read_before_its_sender_is_known(services, sara, wrong, raised):
    body = Body(f"csrf={sara[1].csrf}".encode())
    given = {"cookie": sara[0], "headers": OURS, **wrong}

    with pytest.raises(raised):
        await admission.of_sender(SIGNED_IN, services, Request("POST", **given), body)

    assert body.done == ["head", "forgone"]


async def test_a_body_that_is_too_large_is_refused_before_anybody_is_looked_up(services):
    body = Body(too_large=True)

    with pytest.raises(InputRefused):
        await admission.of_sender(SIGNED_IN, services, Request("POST"), body)

    assert body.done == ["head"]


@pytest.mark.parametrize("token", ["", "csrf=another", "csrf=%00"])
async def test_without_script_the_token_is_in_the_form(services, sara, token):
    with pytest.raises(CsrfRefused):
        await admission.of_sender(
            SIGNED_IN, services, Request("POST", cookie=sara[0], headers=OURS), Body(token.encode())
        )


async def test_a_token_in_the_head_is_enough(services, sara):
    headers = {**OURS, "x-csrf-token": sara[1].csrf}

    found = await admission.of_sender(
        SIGNED_IN, services, Request("POST", cookie=sara[0], headers=headers), Body(b"text=x")
    )

    assert found.field("text") == "x"


async def test_a_sign_in_needs_our_page_and_nobody_signed_in(services):
    found = await admission.of_sender(ANYBODY, services, Request("POST", headers=OURS), Body(b"name=sara"))
    assert (found.visitor, found.field("name")) == (None, "sara")

    body, elsewhere = Body(), {**OURS, "origin": "https://evil.example"}
    with pytest.raises(CsrfRefused):
        await admission.of_sender(ANYBODY, services, Request("POST", headers=elsewhere), body)
    assert body.done == ["head", "forgone"]


async def test_a_place_is_left_also_where_the_form_has_too_many_fields(services, sara):
    body = Body(b"&".join([b"a=1"] * 100))

    with pytest.raises(InputRefused):
        await admission.of_sender(SIGNED_IN, services, Request("POST", cookie=sara[0], headers=OURS), body)

    assert body.done == ["head", "read", "ended"]


async def test_a_reader_has_to_be_signed_in_but_where_anybody_may_look(services, sara):
    assert (await admission.of_reader(SIGNED_IN, services, Request(cookie=sara[0]))).you.name == "sara"
    with pytest.raises(SignInFirst):
        await admission.of_reader(SIGNED_IN, services, Request())
    assert (await admission.of_reader(ANYBODY, services, Request())).visitor is None


async def test_without_agents_strangers_are_told_why_they_may_not_come_in(play):
    services = services_of(play)

    with pytest.raises(NotLetIn):
        await admission.of_reader(SIGNED_IN, services, Request(address="203.0.113.7"))
    services.pools.shutdown()


# --- pages for admins ---

FOR_ADMINS = Route("POST", "/x", nothing, Who.ADMIN)


async def test_an_agent_reads_that_a_page_is_for_admins_before_anything_is_read_of_the_body(services, sara):
    body = Body(b"csrf=x")

    with pytest.raises(NotAllowed, match="for admins"):
        await admission.of_sender(FOR_ADMINS, services, Request(cookie=sara[0], headers=OURS), body)
    assert body.done == ["head", "forgone"]


async def test_an_admin_is_let_through_to_a_page_for_admins(play, services, sara):
    with play.store.writing() as connection:
        agents.set_role(connection, "sara", agents.ADMIN, now=play.clock())

    assert (await admission.of_reader(FOR_ADMINS, services, Request(cookie=sara[0]))).you.is_admin


async def test_a_stranger_signs_in_before_a_page_for_admins(services):
    with pytest.raises(SignInFirst):
        await admission.of_reader(FOR_ADMINS, services, Request())
