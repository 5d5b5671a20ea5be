// The page: reads the state after every change, and draws all of it.

import { call, follow, refused } from "./api.js";
import { drawControl, drawTimeline } from "./control.js";
import { $, fillSelect } from "./dom.js";
import { drawFaults, readFaults } from "./faults.js";
import { choosePage, choosePageOf, drawPages, snapshot } from "./pages.js";
import { drawPhone } from "./phone.js";
import { readScenarios } from "./scenarios.js";
import { drawStaff } from "./staff.js";
import { arrowKeys, mark } from "./tabs.js";
import { bot, thread, view } from "./view.js";
import { clearLog, readLog } from "./wire.js";

const NOWHERE = "none (zero-config)";

follow(async () => {
  await look();
  await readLog();
});
readFaults();
readScenarios({ show: choosePerson, open: () => openBench("scenarios") });

async function look() {
  const before = view.psid;
  view.state = await snapshot(view.psid);
  // Who was chosen while the answer was on its way may be newer than it: the next one has them.
  if (view.psid === before && !view.state.threads.some((one) => one.psid === before)) view.psid = view.state.threads[0].psid;
  draw();
}

function draw() {
  drawBar();
  drawPages($("which-page"), view.state);
  drawControl();
  drawPhone();
  drawStaff();
  drawTimeline();
  drawFaults();
  view.fresh = false;
}

// --- the bar -----------------------------------------------------------------------------------------

function drawBar() {
  const { apps, default_app: chosen, switches, bot_at_hand: atHand } = view.state;
  fillSelect($("default-app"), [...apps.map((one) => [one.id, one.name]), ["", NOWHERE]], chosen ?? "");
  fillSelect($("done-does"), [...$("done-does").options].map((one) => [one.value, one.text]), switches.done);
  const said = trouble(bot(), atHand);
  $("handshake").hidden = !said;
  $("handshake").textContent = said;
}

function trouble({ callback, handshake }, atHand) {
  if (!callback) return "No bot is connected: its webhooks are only shown here.";
  if (handshake !== "ok") return `The bot's webhook ${callback} does not answer the handshake yet (${handshake || "asking"}).`;
  return atHand?.trouble ? `Who has control by the bot's own word cannot be read: ${atHand.trouble}` : "";
}

$("default-app").addEventListener("change", (event) => refused("default_app", { app: event.target.value || null, page: view.state.page.id }));
$("done-does").addEventListener("change", (event) => refused("switches", { done: event.target.value }));
$("reset").addEventListener("click", async () => {
  $("afresh-bot").textContent = stays((await call("snapshot")).threads);
  $("afresh").showModal();
});

// What the bot itself keeps: the simulator forgets its own side alone.
function stays(threads) {
  if (!view.state.bot_at_hand) return "What your bot keeps of them stays: whoever was handed over there still is.";
  const handedOver = threads.filter((one) => one.bot_says && one.bot_says.control !== "bot").length;
  const first = handedOver ? `Handed over by the bot: ${handedOver}. They stay so there, and in its inbox. ` : "";
  return `${first}Those who are here then have other ids: the bot has never heard of them, and answers.`;
}

$("afresh").addEventListener("close", async () => {
  if ($("afresh").returnValue !== "yes") return;
  await refused("reset", {});
  clearLog();
});

// --- who one is, and what is before one --------------------------------------------------------------

async function choosePerson(chosen) {
  if (!view.state.threads.some((one) => one.psid === chosen)) await choosePageOf(chosen);
  await showPerson(chosen);
}

async function showPerson(chosen) {
  view.psid = chosen;
  localStorage.setItem("psid", chosen);
  view.fresh = true;
  await look();
}

async function bePerson(chosen) {
  await choosePerson(chosen);
  $("person-text").focus();
}

// Who goes to another page of the bot's is the same person there.
$("which-page").addEventListener("change", async (event) => {
  const page = event.target.value;
  const everywhere = (await call("snapshot")).threads.filter((one) => one.person === thread().person);
  const there = everywhere.find((one) => one.page === page)?.psid ?? (await call("new_person", { page, same_as: view.psid })).person;
  choosePage(page);
  await showPerson(there);
});

$("person").addEventListener("change", (event) => bePerson(event.target.value));
$("new-person").addEventListener("click", () => {
  $("newcomer-form").reset();
  $("newcomer").returnValue = "";
  $("newcomer").showModal();
});
$("newcomer-cancel").addEventListener("click", () => $("newcomer").close());
$("newcomer").addEventListener("close", async () => {
  if ($("newcomer").returnValue !== "yes") return;
  const given = [["name", $("newcomer-name").value.trim()], ["locale", $("newcomer-locale").value], ["gender", $("newcomer-gender").value]];
  const { person } = await call("new_person", { page: view.state.page.id, ...Object.fromEntries(given.filter(([, value]) => value)) });
  await bePerson(person);
});

function openBench(name) {
  for (const tab of $("bench-tabs").children) $(`bench-${tab.dataset.bench}`).hidden = tab.dataset.bench !== name;
  mark($("bench-tabs"), $(`tab-${name}`));
}

$("bench-tabs").addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab]");
  if (tab) openBench(tab.dataset.bench);
});
arrowKeys($("bench-tabs"), (tab) => {
  openBench(tab.dataset.bench);
  tab.focus();
});

// On a phone one pane is shown at a time.
document.querySelector(".panes").addEventListener("click", (event) => {
  const chosen = event.target.dataset?.pane;
  if (!chosen) return;
  document.body.dataset.pane = chosen;
  for (const button of event.currentTarget.children) button.setAttribute("aria-pressed", String(button.dataset.pane === chosen));
});
