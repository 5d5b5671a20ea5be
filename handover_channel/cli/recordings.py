"""Records a real page, and compares recordings with the simulator: parts of `handover simulate`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.recording.proxy import Between, Recorder
    from handover_channel.settings.loader import Settings


def compare(recording: Path, scenario: Optional[Path], *, default_app: bool, over: bool) -> int:
    """Print where the simulator would have behaved otherwise; return 1 if it would, 0 if not.

    *scenario*: a file that gets what was recorded as scenarios. Raises HandoverError for a broken recording.
    """
    from handover_channel.recording import as_scenario, recording_file
    from handover_channel.recording.comparison import Replay

    given = recording_file.read(recording)
    if scenario is not None:
        found = as_scenario.write(given, scenario, default_app=default_app, over=over)
    else:
        found = list(Replay(given, default_app=default_app).differences())
    for line in found:
        typer.echo(printable(line))
    typer.echo(f"{len(given.entries)} calls and webhooks, {len(found)} differences")
    return 1 if found else 0


def proxy(
    given: Settings,
    target: str,
    file: Optional[Path],
    *,
    callback: str,
    page_id: str,
    host: str,
    port: int,
    keep_texts: bool,
    over: bool,
) -> None:
    """Forward between the bot and Meta, and record it, until SIGINT or SIGTERM.

    Raises HandoverError for a target that must not get a token, and for a file that exists;
    OSError where the port cannot be listened on.
    """
    from handover_channel.recording import whole_file
    from handover_channel.recording.masking import Masker
    from handover_channel.recording.proxy import Between, Recorder, problem_of_target
    from handover_channel.recording.recording_file import RecordingWriter

    problem = problem_of_target(target)
    if problem:
        raise HandoverError(problem)
    if file is None:
        raise HandoverError("--proxy: there is no file to record into -> add --record FILE")
    whole_file.reserve(file, "", option="--record", over=over)
    page = given.pages[0]
    masker = Masker(
        [given.secret, given.verify, *(each.token for each in given.pages)], keep_texts=keep_texts
    )
    between = Between(target, callback, given.app_id, page.id or page_id)
    recorder = Recorder(RecordingWriter(file), masker, between, keep_texts=keep_texts)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(recorder):
        asyncio.run(_until_stopped(between, recorder, host, port, file))


async def _until_stopped(between: Between, recorder: Recorder, host: str, port: int, file: Path) -> None:
    from handover_channel.recording.proxy import serve

    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: asyncio.run ends on Ctrl-C by itself
            loop.add_signal_handler(number, stopped.set)
    async with serve(between, recorder, host, port) as url:
        for line in (
            f"Graph API    {url}   <- graph_api.url in handover.yml; goes on to {between.graph_api}",
            f"Webhook      {url}{between.webhook_path}   <- what Meta calls; goes on to {between.callback}",
            f"Records      {file}",
            "Ctrl-C stops it.",
        ):
            typer.echo(printable(line))
        await stopped.wait()
