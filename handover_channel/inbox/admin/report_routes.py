"""Answers at the addresses of the reports."""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional, Sequence

from handover_channel.inbox import answer
from handover_channel.inbox.admin.reports import Asked, zone_of
from handover_channel.inbox.answer import HEADERS, Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import Request
from handover_channel.inbox.route import Route, Who
from handover_channel.rules.report_periods import CHOSEN, LAST_DAYS, Days, NoDays


async def show_reports(services: PageServices, request: Request) -> Answer:
    """Show the report of the days that the address asks for, those of the browser's time zone."""
    asked = _asked(request)
    try:
        days = services.admin.reports.days(asked)
    except NoDays as error:
        return await _drawn(services, request, asked, error)
    report = await _made(services, services.admin.reports.of, days)
    return await _drawn(services, request, asked, days=days, report=report)


async def give_table(services: PageServices, request: Request) -> Answer:
    """Give the same report as a CSV file."""
    asked = _asked(request)
    try:
        days = services.admin.reports.days(asked)
    except NoDays as error:
        return await _drawn(services, request, asked, error)
    text = await _made(services, services.admin.reports.table, days)
    zone = zone_of(asked.zone)[0].replace("/", "-")
    name = f"handovers_{days.first}_{days.last}_{zone}.csv"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return answer.content(text.encode("utf-8", "replace"), "text/csv; charset=utf-8", headers)


async def _made(services: PageServices, make: Callable[[Days], Any], days: Days) -> Any:
    # A few at a time: those who read conversations need threads as well.
    return await services.limiter.at("reports", functools.partial(services.call, make, days))


async def _drawn(
    services: PageServices, request: Request, asked: Asked, error: Optional[NoDays] = None, **more: Any
) -> Answer:
    problems = error.problems if error else {}
    shown = {
        "days": None,
        "report": None,
        "last_days": LAST_DAYS,
        "is_chosen": asked.period == CHOSEN,
        **more,
    }
    zone = zone_of(asked.zone)[0]
    status = 400 if problems else 200
    return await services.draw(
        "reports.html", request, status, page="reports", asked=asked, zone=zone, problems=problems, **shown
    )


def _asked(request: Request) -> Asked:
    return Asked(*(request.argument(name) for name in ("period", "from", "to", "zone")))


ROUTES: Sequence[Route] = (
    Route("GET", "/admin/reports", show_reports, Who.ADMIN),
    Route("GET", "/admin/reports.csv", give_table, Who.ADMIN),
)
