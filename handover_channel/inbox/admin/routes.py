"""Answers at the addresses of the pages for admins."""

from __future__ import annotations

from typing import Sequence

from handover_channel.inbox import answer, labels
from handover_channel.inbox.admin import agent_routes, canned_routes, person_routes, report_routes, tag_routes
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import BASE, Request
from handover_channel.inbox.route import Route, Who


async def show_first(services: PageServices, request: Request) -> Answer:
    """Send the browser to the first of the pages."""
    return answer.redirect(f"{BASE}/admin/{next(iter(labels.ADMIN_PAGES))}")


ROUTES: Sequence[Route] = (
    Route("GET", "/admin", show_first, Who.ADMIN),
    *agent_routes.ROUTES,
    *report_routes.ROUTES,
    *canned_routes.ROUTES,
    *tag_routes.ROUTES,
    *person_routes.ROUTES,
)
