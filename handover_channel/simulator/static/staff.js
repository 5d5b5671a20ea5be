// Those who answer for the page: the Page inbox, the other apps, and the bot's own inbox, a tab each.

import { refused } from "./api.js";
import { drawChat } from "./chat.js";
import { builtInHas, hasBuiltIn, inboxLink } from "./control.js";
import { $, make } from "./dom.js";
import { arrowKeys, mark } from "./tabs.js";
import { BUILT_IN, appName, bot, keepDraft, thread, view } from "./view.js";

const ABOUT = {
  builtIn: [
    ["Built-in inbox", "The bot's own page, where its agents answer. It is no app at Meta: what they write goes through the bot's app, and only the bot knows that people answer."],
    ["has control", "The bot has handed the person over to it and is silent, until a time limit, a button, a keyword or an agent gives the person back."],
  ],
  inbox: [
    ["Page inbox", "The inbox of the Facebook page, at Meta. Here you play its agents."],
    ["Move to Main", "An agent steps in: the Page inbox takes control, and the bot hears what is said only on standby."],
    ["Done", "The agent has finished. What that does to control is chosen under At Meta."],
  ],
  app: [
    ["Another app", "Another Meta app of this page: a second bot, or a tool such as Hootsuite. Here you play it."],
    ["Pass, Take, Request, Release", "The calls by which an app gives control away, takes it, asks for it, and lets it go to nobody."],
  ],
};
const STATES = [["has control", "Only who has control may answer. For everybody else the person's messages come on standby: to be read, not to be answered."], ["standby", "Hears what is said here, and is refused where it answers."]];

let shown = null; // the tab before one: the chosen one, or whoever has control while none was chosen

// A bot that is connected answers by itself; one that is not can be played here.
function tabs() {
  const apps = view.state.apps.filter((one) => !one.bot || !one.callback);
  return [...(hasBuiltIn() ? [{ id: BUILT_IN, name: "Built-in inbox", builtIn: true }] : []), ...apps];
}

export function drawStaff() {
  const all = tabs();
  const { chat, owner, speaks, name, psid } = thread();
  const one = all.find((tab) => tab.id === view.app) ?? all.find((tab) => hasControl(tab, owner)) ?? all.find((tab) => tab.id === shown) ?? all[0];
  const fresh = view.fresh || one.id !== shown;
  shown = one.id;
  const has = hasControl(one, owner);
  const may = !one.builtIn && speaks.includes(one.id);
  drawTabs(all, owner);
  $("app-state").textContent = has ? "has control" : may ? "may answer" : one.builtIn ? "without control" : "standby";
  $("app-state").className = `pill ${has ? "has" : may ? "may" : ""}`;
  $("app-id").textContent = one.builtIn ? "answers through the bot's app" : `app ${one.id}`;
  $("app-form").hidden = one.builtIn === true;
  $("inbox-hint").hidden = !one.builtIn;
  $("inbox-link").href = inboxLink();
  drawTerms(one);
  drawActions(one);
  keepDraft($("app-text"), `${psid} ${one.id}`);
  const seenBy = one.builtIn ? bot().id : one.id;
  const empty = `Nothing from ${name} yet.`;
  drawChat($("app-chat"), chat, { key: `${psid} ${one.id}`, mine: "page", app: seenBy, person: name, name: appName, fresh, empty });
}

function drawTerms(one) {
  const kind = one.builtIn ? "builtIn" : one.inbox ? "inbox" : "app";
  if ($("app-terms").dataset.kind === kind) return;
  $("app-terms").dataset.kind = kind;
  const terms = one.builtIn ? ABOUT.builtIn : [...ABOUT[kind], ...STATES];
  $("app-terms").replaceChildren(...terms.flatMap(([term, what]) => [make("dt", {}, term), make("dd", {}, what)]));
}

const hasControl = (tab, owner) => (tab.builtIn ? builtInHas() : owner === tab.id && !(tab.bot && builtInHas()));

function drawTabs(all, owner) {
  const has = (tab) => hasControl(tab, owner);
  const key = JSON.stringify(all.map((tab) => [tab.id, tab.name, has(tab)]));
  if ($("tabs").dataset.key !== key) {
    $("tabs").dataset.key = key;
    const focused = $("tabs").contains(document.activeElement);
    $("tabs").replaceChildren(...all.map((tab) => make("button", { type: "button", role: "tab", "aria-controls": "app-panel", "data-app": tab.id, onclick: () => chooseApp(tab.id) },
      make("span", { class: `dot ${has(tab) ? "has" : ""}` }), tab.name, has(tab) ? make("span", { class: "unseen" }, " has control") : null)));
    markChosen();
    if (focused) $("tabs").querySelector("[aria-selected=true]").focus();
  }
  markChosen();
}

const markChosen = () => mark($("tabs"), [...$("tabs").children].find((tab) => tab.dataset.app === shown));

function chooseApp(id) {
  view.app = id;
  localStorage.setItem("app", id);
  refuse(null);
  view.fresh = true;
  drawStaff();
  view.fresh = false;
}

// Who is about to answer or to act stays where they are.
$("app-panel").addEventListener("focusin", () => (view.app = shown));

arrowKeys($("tabs"), (tab) => {
  chooseApp(tab.dataset.app);
  tab.focus();
});

function drawActions(one) {
  const others = view.state.apps.filter((other) => other.id !== one.id);
  const key = JSON.stringify([one.id, others.map((other) => other.id), view.psid]);
  if ($("app-actions").dataset.key === key) return;
  $("app-actions").dataset.key = key;
  $("app-actions").replaceChildren(...(one.builtIn ? [] : one.inbox ? inboxActions() : appActions(one, others)));
}

const button = (label, title, run) => make("button", { type: "button", class: "plain", title, onclick: async () => refuse(await run()) }, label);

function inboxActions() {
  const inbox = (what) => refused(what, { person: view.psid });
  return [
    button("Move to Main", "An agent steps in: the Page inbox takes control", () => inbox("move_to_main")),
    button("Done", "The agent is done: what that does is chosen under At Meta", () => inbox("done")),
  ];
}

function appActions(one, others) {
  const call = (what, more = {}) => refused(what, { app: one.id, person: view.psid, ...more });
  const to = make("select", { "aria-label": "Pass control to" }, ...others.map((other) => make("option", { value: other.id }, other.name)));
  return [
    to,
    button("Pass", "pass_thread_control", () => call("pass", { to: to.value })),
    button("Take", "take_thread_control", () => call("take")),
    button("Request", "request_thread_control", () => call("request")),
    button("Release", "release_thread_control", () => call("release")),
  ];
}

$("app-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("app-text").value;
  if (!text.trim()) return;
  $("app-text").value = "";
  const said = await refused("reply", { app: shown, person: view.psid, text });
  if (said) $("app-text").value = text;
  refuse(said);
});

function refuse(sentence) {
  $("app-refusal").hidden = !sentence;
  $("app-refusal").textContent = sentence ?? "";
}
