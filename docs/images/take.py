"""Take the pictures of both pages: a real server, and people, apps and agents who talk to each other in it.

Run it from the repository, with Chromium on the machine: `.venv/bin/python docs/images/take.py`.
It uses what the acceptance tests use: the simulator, Rasa with the example bot, agents in Chromium.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

import browsers  # noqa: E402 - the tests' folder is on the path from here on
import rasa_commands  # noqa: E402
import stack  # noqa: E402

from handover_channel import services, simulator  # noqa: E402
from handover_channel.settings import loader  # noqa: E402
from handover_channel.testing import scenario  # noqa: E402
from handover_channel.testing.at_hand import AtHand  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ANNA, BEN, AMAL = "anna", "ben", "amal"
AGENTS = {ANNA: "Anna Weber", BEN: "Ben Okafor", AMAL: "أمل حداد"}

PHONE = {
    "viewport": {"width": 390, "height": 780},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}

#: A parcel that has stood in the rain.
PARCEL = """
<style>
  body { margin: 0; background: #dfe4e6 }
  div { position: absolute; height: 150px; background: #e6d3b0 }
  .box { inset: 44px 70px; width: 220px; background: linear-gradient(105deg, #c79a63 55%, #8a6539 85%) }
  .box { border-radius: 4px 4px 22px 3px }
</style>
<div class="box"><div style="left: 95px; width: 30px"></div>
<div style="left: 14px; top: 16px; width: 62px; height: 40px; background: #fff"></div></div>
"""


class Demo(stack.Stack):
    """The stack, with the bot at the Messenger's hand, as `handover demo` has it."""

    @contextlib.contextmanager
    def serving_messenger(self) -> Iterator[str]:
        """Serve the Messenger; its settings get the address once there is one."""
        stack.write_settings(self.folder, "http://127.0.0.1:9", self.database)
        given = services.build(loader.load(str(self.folder / "handover.yml")), self._simulator.clock)
        played = scenario.read_all([HERE.parents[1] / "tests" / "scenarios"])
        bot = AtHand(self._simulator, given, played, f"{self.url}/webhooks/inbox/")
        with simulator.running(self._simulator, bot=bot) as self.simulator_url:
            stack.write_settings(self.folder, self.simulator_url, self.database)
            yield self.simulator_url


def main() -> None:
    """Take them all."""
    stack.BUTTON = "Back to Bot"
    stack.APPS.pop(stack.TARGETS["short_app"]["app_id"])  # of the tests alone
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bot").mkdir()
        with Demo(folder / "bot", rasa_commands.trained()).running() as running:
            office = browsers.Office(running)
            for agent, shown_name in AGENTS.items():
                office.add(agent, shown_name)
            with browsers.chromium() as chromium:
                _take_demo(running, chromium)
                _take(office, chromium)


def _take_demo(running: stack.Stack, chromium: Browser) -> None:
    """Show the Messenger of the demo: a person, the tool that has control, and the wire."""
    person, tool = running.person("ليلى منصور"), stack.TARGETS["hootsuite"]["app_id"]
    person.says("I would like to talk to a human from hootsuite")
    person.settled()
    running.app(tool, "reply", person, text="Hi, Sara here. How can I help?")
    person.says("Can you change the address of order 10234?")
    running.app(tool, "reply", person, text="Done. It will arrive on Thursday.")
    for text in ("شكرًا! العودة الى البوت", "I would like to talk to a human from hootsuite"):
        person.says(text)
        person.settled()
    page = chromium.new_page(viewport={"width": 1400, "height": 900}, locale="en-GB")
    page.goto(f"{running.simulator_url}/?psid={person.psid}&app={tool}")
    page.locator("#handshake").wait_for(state="hidden")
    page.locator("#person-chat").get_by_text("Done. It will arrive").wait_for()
    page.locator("#control-owner", has_text="hootsuite").wait_for()
    page.screenshot(path=HERE / "demo.png", animations="disabled", caret="hide")
    page.emulate_media(color_scheme="dark")
    page.locator("#tab-control").click()
    page.locator("#timeline .due").first.wait_for()
    page.screenshot(path=HERE / "simulator-control.png", animations="disabled", caret="hide")
    page.goto(f"{running.simulator_url}/?scenario=back_by_button.yml:2")
    for done in range(1, 4):
        page.locator("#scenario-step").click()
        page.locator(f"#steps .done:nth-child({done})").wait_for()
    page.get_by_role("tab", name="Built-in inbox").click()
    page.locator("#control-owner", has_text="built-in inbox").wait_for()
    page.emulate_media(color_scheme="light")
    page.screenshot(path=HERE / "simulator-scenario.png", animations="disabled", caret="hide")
    page.close()


def _take(office: browsers.Office, chromium: Browser) -> None:
    english, arabic = _people(office, _picture(chromium))
    with office.agent(chromium, ANNA) as anna, office.agent(chromium, BEN) as ben:
        _talk(anna, ben, english)
        _shoot(anna, "inbox")
    with office.agent(chromium, ANNA, **PHONE) as phone:
        _shoot(phone, "inbox-phone-list")
        _shoot(phone.shows(english.psid), "inbox-phone")
    with office.agent(chromium, AMAL, color_scheme="dark") as amal:
        amal.goes_to("/preferences").page.locator("#language").select_option("ar")
        amal.page.locator("form button.primary").click()
        amal.goes_to("/?list=open").opens(arabic)
        amal.answers("مرحبًا عمر، وجدت طلبك: يصل غدًا قبل الظهر.")
        amal.messages.locator(".said.agent:not(.sending)").wait_for()
        _shoot(amal, "inbox-arabic")


def _people(office: browsers.Office, picture: bytes) -> tuple[stack.Person, stack.Person]:
    """Have people talk to the bot, and be handed over; return the two whose threads are opened."""
    running = office.stack
    _handed_over(running, "Mia Novak", "Can I change the address of my order?", minutes=2)
    _handed_over(running, "Luis Romero", "Do you deliver to the Canary Islands?", minutes=6)
    asked = {"greeting": "متى تفتحون", "human": "أريد التحدث مع موظف"}
    arabic = _handed_over(running, "عمر خليل", "أين طلبي رقم 10234؟", minutes=11, **asked)
    _handed_over(running, "Hana Sato", "The red ones, please. In size 39.", human="talk to sales")
    _handed_over(running, "Jonas Berg", "I have two invoices for one order.", minutes=17)
    english = _handed_over(running, "Nadia Haddad", "My parcel has arrived, and it is soaked.", minutes=4)
    english.does("send", type="image", url=running.file("image/png", picture))
    english.says("Can you send me a new one?")
    english.settled()
    return english, arabic


def _handed_over(
    running: stack.Stack,
    name: str,
    text: str,
    *,
    minutes: float = 0,
    greeting: str = "when are you open",
    human: str = "I want to talk to a human",
) -> stack.Person:
    person = running.person(name)
    person.says(greeting)
    person.settled()
    person.says(human)
    person.settled()
    person.says(text)
    person.settled()
    running.write(
        "UPDATE threads SET waiting_since = waiting_since - ? WHERE id = ?", minutes * 60, person.psid
    )
    return person


def _talk(anna: browsers.Window, ben: browsers.Window, person: stack.Person) -> None:
    """Have Anna answer, with Ben looking on."""
    anna.goes_to("/?list=open").opens(person)
    anna.page.locator("#new-tag").fill("damaged")
    anna.page.locator("#new-tag").press("Enter")
    anna.page.locator("#thread .tag").wait_for()
    anna.answers("I am sorry, Nadia. A new one leaves today, and you can keep the wet one.")
    anna.messages.locator(".said.agent").wait_for()
    ben.shows(person.psid)
    ben.page.locator("label[for=mode-remark]").click()
    ben.page.locator("#remark-text").fill("Third wet parcel from this depot this week: I will tell them.")
    ben.page.locator("#remark button.primary").click()
    anna.messages.locator(".remark").wait_for()
    anna.page.locator("#others", has_text="Ben Okafor").wait_for()
    person.does("read")
    anna.messages.locator(".said.agent .mark.read").wait_for()


def _shoot(window: browsers.Window, name: str) -> None:
    window.page.mouse.move(0, 0)
    window.page.wait_for_function("[...document.images].every(image => image.complete)")
    window.page.screenshot(path=HERE / f"{name}.png", animations="disabled", caret="hide")
    print(HERE / f"{name}.png")  # noqa: T201 - for who runs it


def _picture(chromium: Browser) -> bytes:
    page = chromium.new_page(viewport={"width": 360, "height": 240})
    page.set_content(PARCEL)
    picture = page.screenshot()
    page.close()
    return picture


if __name__ == "__main__":
    main()
