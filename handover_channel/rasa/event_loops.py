"""Makes safe for turns on our event loop what Rasa binds to the loop of its server.

1. The scheduler of reminders: one a process, refused to any loop but its own (`rasa.core.jobs`), although
   APScheduler takes jobs from every thread. Reminders themselves run on the server's loop.
2. The outputs of other channels: Socket.IO's wakes up nobody on another loop than its own, until something
   else does.
3. Telegram's output registers its webhook by `asyncio.run` when it is made (`rasa.core.channels.telegram`):
   not on a running loop, and its HTTP session is then one of a loop that has ended.
4. The Pika event broker: `publish` makes a task on the server's loop (`rasa.core.brokers.pika`), which is not
   for other threads. https://docs.python.org/3/library/asyncio-dev.html#concurrency-and-multithreading

Beside turns.py, the only place that knows what Rasa keeps private.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Callable, Coroutine, Dict, Optional

from rasa.core import jobs
from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, OutputChannel

_OWN_LOOP_MARK = "_handover_publishes_on_its_loop"
_OUTPUT = "_handover_output"


_schedulers_own = jobs.scheduler


async def share_scheduler() -> None:
    """Let turns on another event loop schedule reminders with the scheduler of this one."""
    if jobs.scheduler is not _schedulers_own:
        return  # another server of this process has shared its own
    scheduler = await _schedulers_own()

    async def shared() -> Any:
        return scheduler

    jobs.scheduler = shared


def end_scheduler() -> None:
    """End the scheduler with its server; another server of this process gets one of its own."""
    jobs.scheduler = _schedulers_own
    jobs.kill_scheduler()


def can_be_pushed(channel: InputChannel) -> bool:
    """Tell whether *channel* has an output of its own, without making it."""
    return type(channel).get_output_channel is not InputChannel.get_output_channel


def output_of(channel: InputChannel) -> Optional[OutputChannel]:
    """Return what sends unasked on *channel*, on any one loop; None where nothing does.

    Not for an event loop: the first time it may ask the network.
    """
    kept: Optional[OutputChannel] = getattr(channel, _OUTPUT, None)
    if kept is not None:
        return kept
    output = channel.get_output_channel()
    if hasattr(output, "get_new_session") and output._session is not None:
        output._session.detach()
        output._session = None  # it makes another one, on the loop that sends
    if not isinstance(output, CollectingOutputChannel):  # these keep all that was ever sent
        setattr(channel, _OUTPUT, output)
    return output


class OnLoop(OutputChannel):
    """The output of another channel, which sends on *loop*, whichever loop the turn is on."""

    def __init__(self, output: OutputChannel, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()  # in Rasa Pro it makes queues
        self._output = output
        self._loop = loop

    def name(self) -> str:  # a class method there; Rasa asks instances
        """Name the channel, for responses that are its own."""
        return str(self._output.name())

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> Any:
        """Send one of Rasa's responses, all of its parts. The only method that turns of Open Source call."""
        return await self._there(self._output.send_response(recipient_id, message))

    def attach_tracker_state(self, tracker: Any) -> None:
        """Show the channel the conversation, as Rasa Pro does before it sends."""
        self._output.attach_tracker_state(tracker)

    async def _there(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


#: What else Rasa Pro 3.21 awaits of an output in a turn (`rasa.core.channels.channel.OutputChannel`).
ALSO_AWAITED = (
    "send_text_message",
    "send_buttons",
    "send_response_chunk_start",
    "send_response_chunk",
    "send_response_chunk_end",
    "hangup",
    "notify_message_processing_started",
    "notify_message_processing_completed",
    "record_turn_outcome",
    "interrupt_response",
    "resume_response",
)


def _on_its_loop(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def method(self: OnLoop, *given: Any, **named: Any) -> Any:
        return await self._there(getattr(self._output, name)(*given, **named))

    method.__name__ = name
    return method


for _name in ALSO_AWAITED:
    setattr(OnLoop, _name, _on_its_loop(_name))


def share_event_broker(agent: Any) -> None:
    """Have the agent's event broker publish on its own loop. Harmless to repeat; each model has a new one."""
    broker: Any = getattr(agent.tracker_store, "event_broker", None)
    loop = getattr(broker, "_loop", None)
    if loop is None or getattr(broker, _OWN_LOOP_MARK, False):
        return
    publish = broker.publish

    @functools.wraps(publish)
    def publish_there(*given: Any, **named: Any) -> None:
        loop.call_soon_threadsafe(functools.partial(publish, *given, **named))

    broker.publish = publish_there
    setattr(broker, _OWN_LOOP_MARK, True)
