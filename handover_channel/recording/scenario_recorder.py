"""Records what happens at a simulator as scenarios, in a file that is complete at any time.

1. Whoever changes something at the simulator notes it, in memory and in order; a thread of the recorder's own
   asks the bot's database, and writes. The simulator waits for neither.
2. The file is written as a whole after each change, so that a crash loses nothing but what was not noted yet.
3. A file that cannot be written is told once, and tried again with the next change.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from pathlib import Path
from typing import Any, Callable, Deque, Dict, List, Mapping, NamedTuple, Optional

from handover_channel import log
from handover_channel.messenger.events import OUR_METADATA
from handover_channel.recording import steps_of_acts, whole_file
from handover_channel.recording.control_log import ControlLog
from handover_channel.recording.conversation_record import ConversationRecord
from handover_channel.recording.scenario_text import Line, Remark, written
from handover_channel.replies.sent_parts import part_of
from handover_channel.rules.limits import RECORDED_STEPS
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.simulator import Page, Simulator
from handover_channel.simulator.thread import PERSON, ChatEntry, Thread

logger = log.logger(__name__)

#: Seconds between two looks at the bot's database while nothing happens at the simulator.
DATABASE_ASKED_EVERY = 0.5

HEADING = ("Recorded by handover simulate --record. Play it: handover test FILE",)


class _Noted(NamedTuple):
    """Something that happened: an entry of a chat, or a line of the journal."""

    at: float
    default_apps: Mapping[str, str]  #: page id -> app id, "" for none
    thread: Optional[Thread] = None
    entry: Optional[ChatEntry] = None
    before: int = 0  #: entries of the chat before it
    line: Optional[Dict[str, Any]] = None


class _Heard:
    """A thread that is recorded. *page*: of the thread."""

    def __init__(self, thread: Thread, number: int, page: Page) -> None:
        self.thread, self.page = thread, page
        self.record = ConversationRecord(f"conversation {number}")
        self.changes, self.inbox_writes = 0, False


class ScenarioRecorder:
    """Records *page*, and those beside it, into *path* until `close`.

    *log*: the bot's own word on control, None: Meta's alone. Raises HandoverError where the file exists,
    unless *over*, or cannot be written.
    """

    def __init__(
        self, page: Simulator, path: Path, log: Optional[ControlLog] = None, *, over: bool = False
    ) -> None:
        whole_file.reserve(path, written([], HEADING), option="--record", over=over)
        self._page, self._path, self._log = page, path, log
        self._noted: Deque[_Noted] = deque()
        self._heard: Dict[int, _Heard] = {}  # by the identity of its thread
        self._begun, self._journal = 0, page.journal.count
        self._chats: Dict[str, List[Any]] = {
            psid: [thread, len(thread.chat)] for each in page.pages for psid, thread in each.threads.items()
        }
        self._default_apps = _default_apps(page)
        self._written, self._failing, self._full = "", False, False
        self._wake, self._stopping = threading.Event(), False
        self._taking = threading.Lock()
        self._unlisten = page.journal.listen(self._note)
        self._writer = threading.Thread(target=self._run, name="scenario-recorder", daemon=True)
        self._writer.start()

    def flush(self) -> None:
        """Write all that has happened until now."""
        self._note()
        self._take_in()

    def close(self) -> None:
        """Write what is left, and end; twice is as once."""
        if self._stopping:
            return
        self._note()
        self._unlisten()
        self._stopping = True
        self._wake.set()
        self._writer.join()

    # --- noting: in the thread of whoever changes something -----------------------------------------

    def _note(self) -> None:
        page = self._page
        with page.lock:
            now, default_apps = page.now(), _default_apps(page)
            threads = [(psid, thread) for each in page.pages for psid, thread in each.threads.items()]
            for psid, thread in threads:
                known = self._chats.get(psid)
                if known is None or known[0] is not thread:
                    known = self._chats[psid] = [thread, 0]
                for before, entry in enumerate(thread.chat[known[1] :], known[1]):
                    self._noted.append(_Noted(now, default_apps, thread, entry, before))
                known[1] = len(thread.chat)
            if page.journal.count > self._journal:
                lines = page.journal.after(self._journal)
                self._journal = page.journal.count
                self._noted.extend(_Noted(now, default_apps, line=line) for line in lines)
        self._wake.set()

    # --- writing: in the recorder's thread ----------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(DATABASE_ASKED_EVERY)
            self._wake.clear()
            self._take_in()
        self._take_in()

    def _take_in(self) -> None:
        with self._taking:
            while self._noted:
                self._tried(lambda: self._take(self._noted.popleft()))
            now = self._page.now()
            for heard in list(self._heard.values()):
                self._tried(functools.partial(self._look_at_changes, heard, now))
            self._write()

    def _tried(self, take: Callable[[], None]) -> None:
        try:
            take()
        except Exception as error:  # what one entry cannot be made of must not end the recording
            logger.error("no step could be made of something, the recording goes on: %s", log.trace(error))

    def _take(self, noted: _Noted) -> None:
        for page_id, default_app in noted.default_apps.items():
            if self._default_apps.get(page_id, default_app) != default_app:
                name = steps_of_acts.name_of(self._page, default_app) if default_app else "none"
                self._to_all(Line("default_app", name), noted.at, page_id)
        self._default_apps = noted.default_apps
        if noted.thread is not None and noted.entry is not None:
            heard = self._of(noted.thread)
            self._look_at_changes(heard, noted.at)
            self._take_entry(heard, noted, noted.entry)
        elif noted.line is not None:
            self._take_line(noted.line, noted.at)

    def _of(self, thread: Thread) -> _Heard:
        if id(thread) not in self._heard:
            self._begun += 1
            page = self._page.page_for(thread.psid)
            heard = self._heard[id(thread)] = _Heard(thread, self._begun, page)
            if page is not self._page:
                heard.record.begins_on(page.page_name)
        return self._heard[id(thread)]

    def _take_entry(self, heard: _Heard, noted: _Noted, entry: ChatEntry) -> None:
        record, author = heard.record, entry.get("author")
        if entry["kind"] == "control":
            if self._log is None:
                record.control(
                    steps_of_acts.name_of(self._page, entry["owner"] or self._page.bot.id), noted.at
                )
        elif author == PERSON:
            record.act(steps_of_acts.of_person(entry, heard.thread.chat[: noted.before]), noted.at)
        elif author == self._page.bot.id:
            self._take_bots(record, entry["message"], noted.at)
        elif author != PAGE_INBOX:
            record.act(steps_of_acts.of_app_message(self._page, entry), noted.at)
        elif heard.inbox_writes:
            heard.inbox_writes = False
            record.act(steps_of_acts.of_staff("page_inbox", str(entry["message"].get("text", ""))), noted.at)
        else:
            record.remark("Meta answers by itself", noted.at)

    def _take_bots(self, record: ConversationRecord, message: Dict[str, Any], at: float) -> None:
        metadata = str(message.get("metadata") or "")
        if metadata.startswith(OUR_METADATA) and part_of(metadata[len(OUR_METADATA) :]) is not None:
            line = steps_of_acts.of_reply(self._page, message)
            record.act(steps_of_acts.of_staff(record.now or "inbox", str(line.value)), at)
        else:
            record.reply(steps_of_acts.of_reply(self._page, message), at)

    def _take_line(self, line: Dict[str, Any], at: float) -> None:
        kind = line["kind"]
        if kind == "clock":
            self._to_all(Line(line["act"], line["text"].partition("by ")[2]), at)
        elif kind == "fault" and line["act"] == "ordered":
            self._take_fault(line["fault"], at)
        elif kind == "fault" and line["act"] == "removed":
            self._to_all(Remark(f"the fault {line['fault']['name']} is removed, which no step can say"), at)
        elif kind in ("graph", "inbox") and line["psid"]:
            line = self._answered(line)
            page = self._page.page_for(line["psid"])
            if line["page"] not in ("", page.page_id):
                return  # refused: a person of another page
            heard = self._of(page.thread(line["psid"]))
            self._look_at_changes(heard, at)
            self._take_act(heard, line, at)

    def _answered(self, line: Dict[str, Any]) -> Dict[str, Any]:
        """Return the line as it is now; a call is being answered under the lock when it is noted."""
        with self._page.lock:
            now = self._page.journal.after(line["n"] - 1)
        return now[0] if now and now[0]["n"] == line["n"] else line

    def _take_act(self, heard: _Heard, line: Dict[str, Any], at: float) -> None:
        if line["kind"] == "inbox":
            does = {"main": "takes_over", "done": "done"}.get(line["act"])
            heard.inbox_writes = does is None
            if does:
                heard.record.act(Line("staff", "page_inbox", {"does": does}), at)
            return
        if line["app"] != self._page.bot.id:
            for each in steps_of_acts.of_call(heard.page, line):
                heard.record.act(each, at)

    def _take_fault(self, fault: Dict[str, Any], at: float) -> None:
        step = steps_of_acts.of_fault(self._page, fault)
        if fault["thread"]:
            page = self._page.page_for(fault["thread"], fault["page"])
            self._of(page.thread(fault["thread"])).record.act(step, at)
        else:
            self._to_all(step, at, fault["page"])

    def _to_all(self, step: steps_of_acts.Written, at: float, page_id: str = "") -> None:
        for heard in list(self._heard.values()):
            if page_id in ("", heard.page.page_id):
                heard.record.act(step, at)

    def _look_at_changes(self, heard: _Heard, until: float) -> None:
        """Take in the changes of control until then, by the bot's own word."""
        if self._log is None:
            return
        for change in self._log.after(heard.thread.psid, heard.changes):
            if change.at > until:
                return
            heard.changes = change.number
            if change.by_agent:
                place = change.name if change.by_agent == "takes_over" else heard.record.now
                heard.record.act(Line("staff", place or "inbox", {"does": change.by_agent}), change.at)
            if change.name:
                heard.record.control(change.name, change.at)

    def _write(self) -> None:
        records = [each.record for each in self._heard.values() if each.record.has_begun]
        if sum(each.steps for each in records) > RECORDED_STEPS.value:
            if not self._full:
                self._full = True
                logger.error("--record: the recording is full (%d lines), and ends.", RECORDED_STEPS.value)
            return
        text = written([each.as_scenario() for each in records], HEADING)
        if text == self._written:
            return
        try:
            whole_file.replace(self._path, text)
        except OSError as error:
            if not self._failing:
                logger.error("--record: %s cannot be written (%s).", self._path, error.strerror)
            self._failing = True
            return
        self._written, self._failing = text, False


def _default_apps(messenger: Simulator) -> Mapping[str, str]:
    return {page.page_id: page.default_app for page in messenger.pages}
