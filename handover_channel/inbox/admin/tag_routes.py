"""Answers at the addresses where admins look after tags."""

from __future__ import annotations

from typing import Optional, Sequence

from handover_channel.errors import HandoverError
from handover_channel.inbox.admin.forms import attempt, frame
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import Request
from handover_channel.inbox.route import Route, Who
from handover_channel.rules import limits


async def show_tags(
    services: PageServices, request: Request, error: Optional[HandoverError] = None
) -> Answer:
    """Show the tags, and how many conversations have each."""
    found = await services.call(services.admin.tags.every)
    return await frame(services, request, "tags.html", "tags", error, tags=found)


async def rename_tag(services: PageServices, request: Request) -> Answer:
    """Give a tag another name."""

    def rename() -> None:
        services.admin.tags.rename(request.field("tag"), request.field("title"), by=request.you.name)

    return await attempt(services, request, rename, show_tags, then="/admin/tags?said=tag_renamed")


async def merge_tags(services: PageServices, request: Request) -> Answer:
    """Put one tag in the place of another."""

    def merge() -> None:
        services.admin.tags.merge(request.field("tag"), request.field("into"), by=request.you.name)

    return await attempt(services, request, merge, show_tags, then="/admin/tags?said=tag_merged")


async def delete_tag(services: PageServices, request: Request) -> Answer:
    """Take a tag from every conversation."""

    def delete() -> None:
        services.admin.tags.delete(request.field("tag"), by=request.you.name)

    return await attempt(services, request, delete, show_tags, then="/admin/tags?said=tag_deleted")


ROUTES: Sequence[Route] = (
    Route("GET", "/admin/tags", show_tags, Who.ADMIN),
    Route("POST", "/admin/tags/rename", rename_tag, Who.ADMIN, limits.NOTE),
    Route("POST", "/admin/tags/merge", merge_tags, Who.ADMIN),
    Route("POST", "/admin/tags/delete", delete_tag, Who.ADMIN),
)
