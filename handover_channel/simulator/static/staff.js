// Those who answer for the page: the Page inbox, the other apps, and the bot's own inbox, a tab each.

import { refused } from "./api.js";
import { drawChat } from "./chat.js";
import { builtInHas, hasBuiltIn } from "./control.js";
import { $, make } from "./dom.js";
import { arrowKeys, mark } from "./tabs.js";
import { BUILT_IN, appName, bot, keepDraft, thread, view } from "./view.js";

// A bot that is connected answers by itself; one that is not can be played here.
function tabs() {
  const apps = view.state.apps.filter((one) => !one.bot || !one.callback);
  return [...apps, ...(hasBuiltIn() ? [{ id: BUILT_IN, name: "Built-in inbox", builtIn: true }] : [])];
}

export function drawStaff() {
  const all = tabs();
  const one = all.find((tab) => tab.id === view.app) ?? all[0];
  view.app = one.id;
  const { chat, owner, speaks, name, psid } = thread();
  const has = hasControl(one, owner);
  const may = !one.builtIn && speaks.includes(one.id);
  drawTabs(all, owner);
  $("app-state").textContent = has ? "has control" : may ? "may answer" : one.builtIn ? "without control" : "standby";
  $("app-state").className = `pill ${has ? "has" : may ? "may" : ""}`;
  $("app-id").textContent = one.builtIn ? "answers through the bot's app" : `app ${one.id}`;
  $("app-form").hidden = one.builtIn === true;
  $("inbox-hint").hidden = !one.builtIn;
  if (one.builtIn) $("inbox-link").href = view.state.bot_at_hand.inbox_url;
  drawActions(one);
  keepDraft($("app-text"), `${psid} ${one.id}`);
  const seenBy = one.builtIn ? bot().id : one.id;
  const empty = `Nothing from ${name} yet.`;
  drawChat($("app-chat"), chat, { key: `${psid} ${one.id}`, mine: "page", app: seenBy, person: name, name: appName, fresh: view.fresh, empty });
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

const markChosen = () => mark($("tabs"), [...$("tabs").children].find((tab) => tab.dataset.app === view.app));

function chooseApp(id) {
  view.app = id;
  localStorage.setItem("app", id);
  refuse(null);
  view.fresh = true;
  drawStaff();
  view.fresh = false;
}

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
    button("Done", "The agent is done: what that does is set above", () => inbox("done")),
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
  const said = await refused("reply", { app: view.app, person: view.psid, text });
  if (said) $("app-text").value = text;
  refuse(said);
});

function refuse(sentence) {
  $("app-refusal").hidden = !sentence;
  $("app-refusal").textContent = sentence ?? "";
}
