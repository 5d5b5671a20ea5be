// The page: what is chosen, what is looked at, and what every control does.

import { follow, get, post, upload } from "./api.js";
import { drawChat } from "./chat.js";
import { $, fillSelect, make } from "./dom.js";
import { clearLog, filterLog, readLog } from "./log.js";

const PICTURE = new URL("/simulator/page/picture.svg", location.href).href;
const NOWHERE = "none (zero-config)";

let state = null;
let psid = new URLSearchParams(location.search).get("psid") ?? localStorage.getItem("psid");
let shownApp = new URLSearchParams(location.search).get("app") ?? localStorage.getItem("app");
let fresh = true;

const app = (id) => state.apps.find((one) => one.id === id);
// Meta knows apps, not who answers for them: whether the bot or an agent in its inbox has a thread is the bot's own affair.
const appName = (id) => (app(id)?.bot ? "our app" : app(id)?.name) ?? id;
const OUR_APP = "(the bot, or its inbox)";
const thread = () => state.threads.find((one) => one.psid === psid) ?? state.threads[0];

follow(async () => {
  state = await get("state");
  if (!state.threads.some((one) => one.psid === psid)) psid = state.threads[0].psid;
  const others = state.apps.filter((one) => !one.bot);
  if (!others.some((one) => one.id === shownApp)) shownApp = others[0].id;
  draw();
  await readLog(state);
});

function draw() {
  if (!state) return;
  drawBar();
  drawPhone();
  drawStaff();
  fresh = false;
}

// --- the bar -----------------------------------------------------------------------------------------

function drawBar() {
  $("page-name").textContent = state.page.name;
  const { owner, expires, speaks } = thread();
  const idle = state.mode === "R" ? appName(state.default_app) : "everybody";
  $("control").dataset.who = owner ? (app(owner)?.bot ? "bot" : "other") : "idle";
  $("control-owner").textContent = owner ? appName(owner) : idle;
  const whose = app(owner ?? state.default_app)?.bot ? `${OUR_APP} ` : "";
  $("control-note").textContent = whose + (owner
    ? `has control until ${new Date(expires * 1000).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" })}`
    : speaks.length > 1 ? "may answer: the thread is idle" : "answers as default app: the thread is idle");
  const choices = state.apps.map((one) => [one.id, one.name]);
  fillSelect($("default-app"), [...choices, ["", NOWHERE]], state.default_app ?? "");
  fillSelect($("done-does"), [...$("done-does").options].map((one) => [one.value, one.text]), state.switches.done);
  const bot = state.apps.find((one) => one.bot);
  const trouble = bot.callback ? bot.handshake !== "ok" : true;
  $("handshake").hidden = !trouble;
  $("handshake").textContent = bot.callback
    ? `The bot's webhook ${bot.callback} does not answer the handshake yet (${bot.handshake || "asking"}).`
    : "No bot is connected: its webhooks are only shown here.";
}

$("default-app").addEventListener("change", (event) => post("mode", { default_app: event.target.value || null }));
$("done-does").addEventListener("change", (event) => post("switches", { done: event.target.value }));
$("reset").addEventListener("click", async () => {
  await post("reset");
  clearLog();
});

// --- the phone ---------------------------------------------------------------------------------------

function drawPhone() {
  const { name, chat, typing } = thread();
  fillSelect($("person"), state.threads.map((one) => [one.psid, one.name]), psid);
  $("person-avatar").textContent = [...name][0];
  const view = { key: psid, mine: "person", name: appName, typing, tap, fresh, empty: `Say hello to ${state.page.name}.` };
  drawChat($("person-chat"), chat, view);
  drawQuickReplies(chat);
  look();
}

// Whoever has the chat before their eyes has read it.
function look() {
  if (state && thread().unread && document.visibilityState === "visible") act("read");
}
document.addEventListener("visibilitychange", look);

function drawQuickReplies(chat) {
  const last = chat.filter((entry) => entry.kind !== "control").at(-1);
  const offered = last?.author !== "person" ? (last?.message?.quick_replies ?? []) : [];
  const pills = offered.map((one, index) =>
    make("button", { type: "button", dir: "auto", onclick: () => act("quick_reply", { mid: last.mid, index }) }, one.title ?? one.content_type));
  $("quick-replies").replaceChildren(...pills);
}

const act = (what, body) => post(`person/${encodeURIComponent(psid)}/${what}`, body);
const tap = (mid, index) => act("postback", { mid, index });

$("person").addEventListener("change", (event) => choosePerson(event.target.value));
$("new-person").addEventListener("click", async () => {
  const number = String(3000000000000001 + state.threads.length);
  await post(`person/${number}/read`);
  choosePerson(number);
});

function choosePerson(chosen) {
  psid = chosen;
  localStorage.setItem("psid", chosen);
  fresh = true;
  get("state").then((now) => {
    state = now;
    draw();
    $("person-text").focus();
  });
}

$("person-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("person-text").value;
  if (!text.trim()) return;
  $("person-text").value = "";
  act("text", { text });
});

const ATTACH = {
  picture: () => act("attachment", { type: "image", url: PICTURE }),
  location: () => act("attachment", { type: "location", payload: { coordinates: { lat: 36.8065, long: 10.1815 } } }),
  file: () => $("file").click(),
  "get-started": () => act("postback", { menu: true, payload: "/greet", title: "Get Started" }),
};

$("attach").addEventListener("click", (event) => {
  const chosen = event.target.dataset?.attach;
  if (!chosen) return;
  $("attach").open = false;
  ATTACH[chosen]();
});
$("attach").addEventListener("keydown", (event) => {
  if (event.key === "Escape") $("attach").open = false;
});
$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  if (!file) return;
  const kind = ["image", "audio", "video"].find((one) => file.type.startsWith(`${one}/`)) ?? "file";
  await act("attachment", { type: kind, url: await upload(file) });
  $("file").value = "";
});

// --- those who answer --------------------------------------------------------------------------------

function drawStaff() {
  drawTabs();
  const { chat, owner, speaks, name } = thread();
  const one = app(shownApp);
  const has = owner === shownApp;
  const may = speaks.includes(shownApp);
  $("app-state").textContent = has ? "has control" : may ? "may answer" : "standby";
  $("app-state").className = `pill ${has ? "has" : may ? "may" : ""}`;
  $("app-id").textContent = `app ${one.id}`;
  drawActions(one);
  const view = { key: `${psid} ${shownApp}`, mine: "page", app: shownApp, person: name, name: appName, fresh, empty: `Nothing from ${name} yet.` };
  drawChat($("app-chat"), chat, view);
}

function drawTabs() {
  const { owner } = thread();
  const key = JSON.stringify([state.apps.map((one) => [one.id, one.name]), owner, shownApp]);
  if ($("tabs").dataset.key === key) return;
  $("tabs").dataset.key = key;
  const focused = $("tabs").contains(document.activeElement);
  const tabs = state.apps.filter((one) => !one.bot).map((one) => {
    const chosen = one.id === shownApp;
    return make("button", { type: "button", role: "tab", "aria-selected": String(chosen), "aria-controls": "app-panel", tabindex: chosen ? "0" : "-1", "data-app": one.id, onclick: () => chooseApp(one.id) },
      make("span", { class: `dot ${owner === one.id ? "has" : ""}` }), one.name);
  });
  $("tabs").replaceChildren(...tabs);
  if (focused) $("tabs").querySelector("[aria-selected=true]").focus();
}

function chooseApp(id) {
  shownApp = id;
  localStorage.setItem("app", id);
  refuse(null);
  fresh = true;
  draw();
}

$("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const ids = [...$("tabs").children].map((tab) => tab.dataset.app);
  chooseApp(ids.at((ids.indexOf(shownApp) + step) % ids.length));
});

function drawActions(one) {
  const others = state.apps.filter((other) => other.id !== one.id);
  const key = JSON.stringify([one.id, others.map((other) => other.id), state.default_app]);
  if ($("app-actions").dataset.key === key) return;
  $("app-actions").dataset.key = key;
  const button = (label, run) => make("button", { type: "button", class: "plain", onclick: async () => refuse(await run()) }, label);
  const call = (what, more = {}) => post(`apps/${one.id}/${what}`, { psid, ...more });
  if (one.inbox) {
    const inbox = (what) => post(`inbox/${encodeURIComponent(psid)}/${what}`);
    $("app-actions").replaceChildren(button("Move to Main", () => inbox("main")), button("Done", () => inbox("done")));
    return;
  }
  const to = make("select", { "aria-label": "Pass control to" }, ...others.map((other) => make("option", { value: other.id }, other.name)));
  $("app-actions").replaceChildren(
    to,
    button("Pass", () => call("pass", { to: to.value })),
    button("Take", () => call("take")),
    button("Request", () => call("request")),
    button("Release", () => call("release")),
  );
}

$("app-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("app-text").value;
  if (!text.trim()) return;
  $("app-text").value = "";
  const refused = await post(`apps/${shownApp}/reply`, { psid, text });
  if (refused) $("app-text").value = text;
  refuse(refused);
});

function refuse(sentence) {
  $("app-refusal").hidden = !sentence;
  $("app-refusal").textContent = sentence ?? "";
}

$("log-others").addEventListener("change", filterLog);
$("log-receipts").addEventListener("change", filterLog);
