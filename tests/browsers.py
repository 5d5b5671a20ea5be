"""Chromium for the tests of the inbox page, and agents who sit before it.

1. The machine's Chromium, or Playwright's own; without one the tests are skipped, with the reason.
2. A window in which an error was logged, or that asked another host for anything, fails its test in the end.
   What a test provokes it says beforehand: `Window.expects`.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request
    from stack import Person, Stack

BASE = "/webhooks/inbox"

#: Milliseconds that a page may take, on a machine that does other things, too.
PATIENCE = 20_000

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OF_PLAYWRIGHT = "chromium-*/chrome-linux*/chrome"

#: Notes when a text first stood in the page: `seenAt["the text"]`, in ms since the epoch.
_NOTE_TIMES = """
  window.watched = [];
  window.seenAt = {};
  new MutationObserver(() => {
    const shown = document.body?.textContent ?? "";
    for (const text of window.watched) if (shown.includes(text)) window.seenAt[text] ??= Date.now();
  }).observe(document, { childList: true, subtree: true, characterData: true });
"""


def find_chromium() -> Optional[str]:
    """Return the path of a Chromium, None where there is none."""
    kept = (Path.home() / ".cache" / "ms-playwright").glob(_OF_PLAYWRIGHT)
    return next(filter(None, map(shutil.which, _NAMES)), None) or next(map(str, sorted(kept)), None)


def has_chromium() -> bool:
    """Tell whether tests can use a browser here."""
    return find_spec("playwright") is not None and find_chromium() is not None


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium. While it runs, an event loop runs in this thread: no asyncio.run beside it."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """One agent's page of the inbox."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.wrong: List[str] = []  #: what must not happen, and did
        self._url = url
        self._expected: List[str] = []
        page.set_default_timeout(PATIENCE)
        page.add_init_script(_NOTE_TIMES)
        page.on("console", self._logged)
        page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        page.on("request", self._asked)

    def expects(self, part: str) -> None:
        """Let the page log errors with these words."""
        self._expected.append(part)

    def goes_to(self, path: str = "/") -> Window:
        """Open an address of the inbox."""
        self.page.goto(self._url + BASE + path, wait_until="load")
        return self

    def reads(self, language: str) -> Window:
        """Choose a language on the agent's own page of preferences."""
        from playwright.sync_api import expect

        self.goes_to("/preferences")
        self.page.locator("#language").select_option(language)
        self.page.locator("form button.primary").click()
        expect(self.page.locator("html")).to_have_attribute("lang", language)
        return self.goes_to()

    # --- the parts of the page --------------------------------------------------------------------

    def item(self, person: Person) -> Locator:
        """Return the person's place in the list."""
        return self.page.locator(f'.item[data-thread="{person.psid}"]')

    def opens(self, person: Person) -> Window:
        """Click the person in the list."""
        self.item(person).click()
        self.page.locator(f'#thread[data-thread="{person.psid}"]').wait_for()
        return self

    def shows(self, thread: str) -> Window:
        """Open a thread by its address."""
        return self.goes_to(f"/thread/{thread}")

    @property
    def messages(self) -> Locator:
        """Return the conversation."""
        return self.page.locator("#entries")

    @property
    def reply(self) -> Locator:
        """Return the box that replies are written in."""
        return self.page.locator("#reply-text")

    def button(self, name: str) -> Locator:
        """Return the button of that name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def answers(self, text: str) -> None:
        """Write a reply and send it with Enter."""
        self.reply.fill(text)
        self.reply.press("Enter")

    def chooses(self, menu: str, choice: str) -> None:
        """Choose in a menu of the thread."""
        self.page.locator("#thread details.menu summary", has_text=menu).click()
        self.page.locator("#thread details.menu[open] button", has_text=choice).click()

    # --- when it was seen -------------------------------------------------------------------------

    def watches_for(self, text: str) -> None:
        """Note when the text appears."""
        self.page.evaluate("text => watched.push(text)", text)

    def seen_at(self, text: str) -> float:
        """Return when it appeared, in ms since the epoch."""
        return float(self.page.wait_for_function("text => seenAt[text]", arg=text).json_value())

    # --- what went wrong --------------------------------------------------------------------------

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in self._expected):
            self.wrong.append(f"logged: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._url + "/", "data:", "blob:")):
            self.wrong.append(f"asked another host: {request.url}")


class Office:
    """A running whole, and the agents who answer in its inbox, each in a browser of their own."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._cookies: Dict[str, Any] = {}

    def add(self, name: str, shown_name: str, *more: str) -> None:
        """Add an agent, as an admin does."""
        done = self.stack.command(
            "agents",
            "add",
            name,
            "--shown-name",
            shown_name,
            "--password-stdin",
            *more,
            given=password_of(name),
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def waiting(self, name: str = "", text: str = "my parcel is wet") -> Person:
        """Return somebody new whom the bot has handed over to the inbox, where they have said *text*."""
        person = self.stack.person(name)
        person.says("when are you open")
        person.settled()
        person.goes_to("inbox")
        person.says(text)
        person.settled()
        return person

    @contextmanager
    def window(self, browser: Browser, *, url: str = "", **looks: Any) -> Iterator[Window]:
        """Open a window of nobody yet; *url*: of a proxy before Rasa; *looks*: of the browser's context."""
        with_defaults = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **looks}
        context = browser.new_context(**with_defaults)
        try:
            window = Window(context.new_page(), url or self.stack.url)
            yield window
        finally:
            context.close()
        assert not window.wrong, window.wrong

    @contextmanager
    def agent(self, browser: Browser, name: str, **looks: Any) -> Iterator[Window]:
        """Open a window in which *name* is signed in: by the form, the first time."""
        with self.window(browser, **looks) as window:
            if name not in self._cookies:
                sign_in(window.goes_to(), name)
                self._cookies[name] = window.page.context.cookies()
            window.page.context.add_cookies(self._cookies[name])
            yield window.goes_to()


def password_of(name: str) -> str:
    """Return an agent's password."""
    return f"{name} keeps the keys of the office"


def sign_in(window: Window, name: str) -> None:
    """Fill in the form."""
    window.page.get_by_label("Username").fill(name)
    window.page.get_by_label("Password").fill(password_of(name))
    window.page.locator("form button.primary").click()
    window.page.locator("#list").wait_for()
