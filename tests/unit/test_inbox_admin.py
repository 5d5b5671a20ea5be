"""The pages for admins (inbox/admin), without a server."""

from __future__ import annotations

import pytest
from inbox_page import ADMIN, SARA, add_agents, get, services_of

from handover_channel.inbox import labels, routes
from handover_channel.inbox.admin import agent_routes
from handover_channel.inbox.admin import routes as admin_routes
from handover_channel.inbox.request import BASE
from handover_channel.inbox.route import Who


@pytest.fixture
def services(play):
    add_agents(play, "sara", "omar")
    found = services_of(play)
    yield found
    found.pools.shutdown()


def test_every_address_below_admin_is_for_admins_alone():
    below = {route.path: route.who for route in routes.ROUTES if route.path.startswith("/admin")}

    assert set(below.values()) == {Who.ADMIN}
    assert {f"/admin/{name}" for name in labels.ADMIN_PAGES} <= set(below)


async def test_the_administration_begins_with_its_first_page(services):
    answer = await admin_routes.show_first(services, get(ADMIN))

    assert (answer.status, answer.headers["Location"]) == (303, f"{BASE}/admin/agents")


async def test_only_admins_find_the_way_to_the_administration(services):
    for visitor, shown in ((ADMIN, True), (SARA, False)):
        page = await routes.show_inbox(services, get(visitor))
        assert (f'href="{BASE}/admin"' in page.content) is shown


async def test_the_page_of_agents_lists_them(services):
    answer = await agent_routes.show_agents(services, get(ADMIN))

    assert "Omar" in answer.content
    assert "Sara" in answer.content
    assert 'aria-current="page">Agents' in answer.content
