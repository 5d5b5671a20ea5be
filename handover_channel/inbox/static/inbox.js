// The page at work: what arrives is put in place, what is done is sent, and the list and the open thread
// are asked for anew when they may have changed. htmx does the requests; templates hold all texts.

import { ASKS, ask as showQuestion, sayConsent, wasAsked } from "./asks.js";
import { copy, refreshPerson, showCard, showPerson, togglePerson } from "./beside.js";
import * as canned from "./canned.js";
import { isWanted, openCommands, settleCommands } from "./command_bar.js";
import { beginSending, giveBack, keepDraft, restoreDrafts, wasAccepted, wasRefused } from "./drafts.js";
import { foldHead, showHead, toggleHead } from "./head.js";
import { isWriting, keys, lettersAreOn, press, switchLetters } from "./keyboard.js";
import { listen, noConnection, page } from "./live.js";
import { showMissing } from "./missing.js";
import { notice, open, putAway, title } from "./notices.js";
import * as outbox from "./outbox.js";
import { all, announce, atMost, base, body, find, says, thread, threadId } from "./page.js";
import { rememberPlace, toList, toNextWaiting } from "./places.js";
import { rememberTopic, sortTopics } from "./returning.js";
import { dayLines, localTimes } from "./times.js";
import { isInFront, neverAnnounce, onRead, showRead, showTab } from "./voice.js";

// --- asking anew -----------------------------------------------------------------------------------

/** What the page asks for by itself is no sign that somebody sits there: it keeps no sign-in alive. */
const ask = (address, source, target) => htmx.ajax("GET", address, { source, target, swap: "outerMorph", headers: { "X-By-Itself": isInFront() ? "1" : "unseen" } });

const refreshList = atMost(300, () => ask(base + "/list" + location.search, "#list", "#list"));

let missed = false; // something changed in the thread while nobody could see it
let unseen = false; // what was asked for then is not marked as read

const refreshThread = atMost(300, () => {
  if (!thread()) return;
  if ("aside" in thread().dataset) return; // older messages are looked at: the newest do not follow them
  missed = document.hidden; // asking marks it as read: not while nobody looks
  if (missed) return;
  unseen = !isInFront(); // it is shown, and perhaps nobody sits there
  ask(thread().dataset.path + "/panel" + location.search, "#panel", "#thread");
  refreshPerson();
});

function refresh() {
  refreshList();
  refreshThread();
}

const toSignIn = () => location.assign(`${base}/sign-in?next=${encodeURIComponent(location.pathname)}`);

// --- what arrives ----------------------------------------------------------------------------------

/** Make a fragment what it will be in the page: a morph then changes only what is new. */
function prepare(fragment, isEarlier) {
  localTimes(fragment);
  showMissing(fragment);
  const entries = find("#entries", fragment);
  if (entries) {
    const arrived = find("#thread", fragment);
    keepEarlier(entries, arrived?.dataset.thread);
    dayLines(entries);
    if (arrived && !isEarlier && !("aside" in arrived.dataset)) outbox.showPending(entries, arrived);
  }
  const shown = find("#thread", fragment) ?? thread();
  markOpened(fragment, shown?.dataset.thread ?? "", shown?.dataset.found);
  keepOpening(fragment);
  backToList(fragment);
}

/** The way back leads to the list as it was. */
function backToList(root) {
  const back = find("[data-back]", root);
  if (back) back.href = `${base}/${location.search}`;
}

/** Entries shown already that are older than what arrived stay: the server sends the newest only. */
function keepEarlier(arrived, id) {
  const first = find("[id^='e-']", arrived);
  const same = first && id === threadId() && find(`#entries > #${CSS.escape(first.id)}`);
  if (!same) return;
  find("#earlier", arrived)?.remove();
  const kept = [];
  for (let entry = same.previousElementSibling; entry; entry = entry.previousElementSibling) kept.unshift(entry.cloneNode(true));
  arrived.prepend(...kept);
}

function markOpened(root, id, found) {
  for (const item of all(".item", root)) {
    if (item.dataset.thread === id && (!item.dataset.found || item.dataset.found === found)) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}

/** An answer to a question that has changed meanwhile is not shown. */
function isOutdated({ ctx, tasks }) {
  if (ctx.response?.status >= 400) return false;
  if (ctx.sourceElement?.id === "commands-found") return !isWanted(ctx.request.action);
  if (ctx.sourceElement?.id === "list") return !ctx.request.action.endsWith("/list" + location.search);
  if (ctx.sourceElement?.id !== "panel") return false;
  const arrived = tasks.map((task) => find("#thread", task.fragment)).find(Boolean);
  return !arrived || arrived.dataset.thread !== threadId();
}

let typingEnds = 0;

/** Nobody says that they do not type any more: it is over after a while. */
function lookWhoTypes() {
  if (!find("#others .typing")) return;
  typingEnds ||= setTimeout(() => {
    typingEnds = 0;
    refreshThread();
  }, 6500);
}

let opened = threadId();
let found = ""; // the message at which the conversation was opened

/** Go to what a search has found, once. */
function jump() {
  const wanted = thread()?.dataset.found ?? "";
  const there = wanted !== found && find(`#entries [data-found="${CSS.escape(wanted)}"]`);
  found = wanted;
  if (!there) return false;
  there.scrollIntoView({ block: "center" });
  there.focus({ preventScroll: true });
  return true;
}

let goes = ""; // where the agent writes next: in the "reply" to what is theirs now, or to who is "next"

/** The focus goes there once the page shows it, unless somebody writes by then. */
function goOn(swapped) {
  const reply = goes === "reply" && find("#reply-text");
  if (!goes || !(reply || (goes === "next" && swapped === "list"))) return;
  goes = "";
  if (isWriting()) return;
  if (reply) reply.focus({ preventScroll: true });
  else toNextWaiting();
}

function toHead() {
  find("#thread-name")?.focus({ preventScroll: true });
  return Boolean(thread());
}

/** What was written comes back. What had no answer is asked for, too: the server may have it. */
function restore() {
  restoreDrafts();
  if (outbox.restore()) refreshThread();
}

let written = null; // the field of the reply

function settle() {
  const id = threadId();
  const reply = find("#reply-text");
  if (reply && reply !== written) restore(); // also where it was not there while another app had the conversation
  written = reply;
  if (id !== opened) {
    opened = id;
    foldHead();
    body.dataset.shows = id ? "thread" : "list";
    markOpened(document, id, thread()?.dataset.found);
    restore();
    listen();
    showTab();
    if (!jump() && !toHead()) toList() || find("#search").focus();
  }
  else if (jump()) markOpened(document, id, thread().dataset.found);
  for (const box of all("[data-letters]")) box.checked = lettersAreOn();
  showNewest();
  showPerson();
  showHead();
  lookWhoTypes();
  title();
}

document.addEventListener("htmx:before:swap", (event) => {
  if (isOutdated(event.detail)) return event.preventDefault();
  rememberPlace();
  const entries = find("#entries");
  const isEarlier = event.detail.ctx.sourceElement?.matches?.("[data-earlier]");
  if (isEarlier) entries.setAttribute("aria-busy", "true");
  for (const task of event.detail.tasks) prepare(task.fragment, isEarlier);
});

document.addEventListener("htmx:after:swap", (event) => {
  const entries = find("#entries[aria-busy]");
  if (entries) {
    dayLines(entries);
    setTimeout(() => entries.removeAttribute("aria-busy"));
  }
  const given = event.detail.ctx.target;
  const target = typeof given === "string" ? find(given) : given; // a refusal names its place (HX-Retarget)
  showCard(target ?? document);
  showQuestion();
  settle();
  goOn(target?.id);
  if (target?.id === "commands-found") settleCommands();
  if (target?.id === "panel") showOpening(null);
  if (target?.id === "list" || target === body) notice();
  // The list may have been asked for before the thread, which is read now.
  if (!["panel", "thread"].includes(target?.id) || !isInFront() || !threadId()) return;
  if (isUnread(threadId())) refreshList();
  showRead(threadId());
});

/** Whether the list, or what came with it, was asked for before the thread was read. */
const isUnread = (id) => Boolean(find(`.item.unread[data-thread="${CSS.escape(id)}"], [data-notice="message"][data-about="${CSS.escape(id)}"]`));

onRead((id) => isUnread(id) && refreshList());

// --- what goes wrong -------------------------------------------------------------------------------

/** What a row says of its opening stays in the list that arrives. */
function keepOpening(fragment) {
  const row = find(".item[data-opening]");
  const arrived = row && find(`.item[data-thread="${CSS.escape(row.dataset.thread)}"]`, fragment);
  if (!arrived) return;
  arrived.dataset.opening = row.dataset.opening;
  const says = find(".not-opened", row);
  if (says) find(".item-text", arrived).append(says.cloneNode(true));
}

/** `isGone`: it is no longer true once there is a connection. */
function problem(text, isGone = false) {
  const box = find("#problem-box").content.firstElementChild.cloneNode(true);
  find("p", box).textContent = text;
  if (isGone) box.dataset.offline = "";
  find("#problem").replaceChildren(box);
}

/** There is a connection again. */
function isBack() {
  find("#problem [data-offline]")?.remove();
  outbox.tryAgain();
}

/** A conversation was clicked: its row says what becomes of that. */
function showOpening(row, state) {
  for (const each of all("[data-opening]")) {
    delete each.dataset.opening;
    find(".not-opened", each)?.remove();
  }
  if (!row || !state) return;
  row.dataset.opening = state;
  if (state !== "failed") return;
  const says = find("#not-opened").content.firstElementChild.cloneNode(true);
  find(".item-text", row).append(says);
  announce(says.textContent);
}

const isQuiet = (ctx) => ctx.request.method === "GET" || ctx.request.action.endsWith("/typing");

document.addEventListener("htmx:before:response", (event) => {
  const { raw } = event.detail.ctx.response;
  if (raw.status === 401 || (raw.redirected && new URL(raw.url).pathname.endsWith("/sign-in"))) {
    event.preventDefault();
    toSignIn();
  }
});

document.addEventListener("htmx:before:history:update", (event) => {
  const { history, response, sourceElement } = event.detail;
  if (response?.status >= 400) event.preventDefault();
  if (sourceElement?.matches?.("[data-does=next]")) history.path += location.search;
});

document.addEventListener("htmx:error", (event) => {
  const { ctx, error } = event.detail;
  const row = ctx?.sourceElement?.closest?.(".item");
  if (row) showOpening(row, "failed");
  if (!ctx || (isQuiet(ctx) && !row && !ctx.sourceEvent?.isTrusted)) return;
  wasRefused(ctx);
  if (error === "timeout" || error?.name === "AbortError") return problem(says("late"));
  noConnection();
  if (!isQuiet(ctx)) problem(says("offline"), true);
});

document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx.response.status >= 500) problem(says("failed"));
});

// --- what is done ----------------------------------------------------------------------------------

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement;
  const pending = /\/panel(\?|$)/.test(ctx.request.action) ? outbox.pendingKeys() : [];
  if (pending.length) ctx.request.headers["X-Pending"] = pending.join(" ");
  if (form.matches?.(".item")) showOpening(form, "loading");
  if (form.matches?.("form:has([data-draft])") && !beginSending(ctx, form, ctx.request.body)) return event.preventDefault();
  if (ctx.request.method !== "GET" && form.matches?.("form")) sayConsent(form, ctx.request.body);
  if (form.matches?.("[data-does=next]")) ctx.request.action += `?${new URLSearchParams({ thread: threadId() })}`;
  if (form.matches?.("[data-unreads]")) {
    ctx.push = `${base}/${location.search}`;
    neverAnnounce(form.dataset.unreads);
  }
  // The address names the list and, where one is open, the thread.
  if (ctx.push && ctx.target?.id === "list" && thread()) ctx.push = ctx.push.replace(`${base}/`, thread().dataset.path);
  if (form.matches?.("[data-filters]")) {
    ctx.push = (thread()?.dataset.path ?? `${base}/`) + search(ctx.request.body);
    ctx.request.action = `${base}/list${search(ctx.request.body)}`;
    ctx.request.body = new FormData();
  }
});

/** The filters as an address, without those that filter nothing. */
function search(data) {
  const given = [...data].filter(([name, value]) => value && !(name === "list" && value === "waiting"));
  return given.length ? "?" + new URLSearchParams(given) : "";
}

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.request.method === "GET" || ctx.request.action.endsWith("/typing")) return;
  if (ctx.response.status === 409) wasAsked(ctx.sourceElement);
  if (ctx.response.status >= 300) return wasRefused(ctx);
  const form = ctx.sourceElement;
  find("#problem").replaceChildren();
  wasAccepted(ctx);
  rememberTopic(form);
  // On a phone the keyboard would cover what is to be answered.
  if (entersSends() && takesIt(ctx.request)) goes = "reply";
  if (/\/(return|hand-on)$/.test(ctx.request.action)) goes = "next";
  if (form.id === "remark") {
    announce(says("noted"));
    toNewest();
  }
  if (form.matches("#add-tag")) form.reset();
  const given = find("[data-gives-back]", form)?.dataset.givesBack;
  if (given) giveBack(given);
  form.closest("dialog")?.close();
  const menu = form.closest("details.menu");
  if (menu) menu.open = false;
});

const takesIt = ({ action, body: sent }) =>
  /\/(claim|take-over)$/.test(action) || (action.endsWith("/assign") && sent?.get?.("agent") === body.dataset.you);

function toNewest() {
  if (find("#newest-page")) find("#newest-page").click();
  else find("#log")?.scrollTo({ top: 0 });
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "reply") return;
  event.preventDefault();
  outbox.send(event.target, sayConsent);
});

outbox.begin({
  kept: () => {
    find("#problem").replaceChildren();
    announce(says("sent"));
    if (find("#newest-page")) toNewest();
    refresh();
  },
  refused: async (response, of) => {
    const words = response.status < 500 && (await response.text().catch(() => ""));
    // A question is about the conversation that was written into, which may be open no longer.
    if (!words || of !== threadId()) return problem(says("failed"));
    if (response.status === 409) wasAsked(find("#reply"));
    find("#problem").innerHTML = words; // of our own server, escaped there
    showQuestion();
  },
  signedOut: toSignIn,
});

document.addEventListener("changed", refresh);

const typing = atMost(4000, () => {
  const address = find("#reply")?.dataset.typing;
  if (address) htmx.ajax("POST", address, { source: "#composer", target: "#composer", swap: "none", values: { page } });
});

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches("[data-draft]")) return;
  keepDraft(field);
  if (field.id === "reply-text") {
    canned.typed();
    if (field.value) typing();
  }
});

/** On a phone Enter begins a line: there is a button to send with. */
const entersSends = () => !matchMedia("(pointer: coarse)").matches;

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (field.id === "reply-text" && canned.pressed(event)) return event.preventDefault();
  if (event.key === "Enter" && field.matches?.("[data-writes] textarea") && !event.isComposing) {
    if (event.ctrlKey || event.metaKey || (!event.shiftKey && entersSends())) {
      event.preventDefault();
      field.form.requestSubmit();
    }
    return;
  }
  keys(event);
});

// --- clicks ----------------------------------------------------------------------------------------

const CLICKS = {
  "[data-opens]": (button) => {
    if (button.dataset.opens === "return") sortTopics();
    document.getElementById(button.dataset.opens).showModal();
  },
  "[data-closes]": (button) => (button.closest("dialog") ? button.closest("dialog").close() : button.closest(".problem").remove()),
  "[data-does=commands]": openCommands,
  "[data-unfolds]": toggleHead,
  "[data-person-opens]": togglePerson,
  "[data-copies]": copy,
  "[data-unfilter]": () => find(".narrow summary").focus(), // what was clicked goes with its filter
  "[data-told-closes]": putAway,
  "[data-offline-closes]": () => (find("#offline").hidden = true),
  ...ASKS,
  ...outbox.OUTBOX,
  "[data-newest]": () => find("#log").scrollTo({ top: 0, behavior: "smooth" }),
  "[data-canned]": () => canned.openByButton(),
  "[data-saves-canned]": () => sessionStorage.setItem("inbox.canned", find("#reply-text").value),
  "#canned [role=option]": (option) => canned.take(option),
  "[data-unattach]": () => attach([]),
  // At once, and in place of what a label does: what is typed next is no shortcut.
  ".modes label": (label, event) => {
    event.preventDefault();
    press(label);
  },
};

document.addEventListener("click", (event) => {
  const told = event.target.closest("[data-tells]");
  if (told && !event.ctrlKey && !event.metaKey && open(told.dataset.tells)) event.preventDefault();
  if (told) return putAway();
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target) || event.target.closest(".choices a")) menu.open = false;
  if (!event.target.closest("#canned, [data-canned]")) canned.close();
  for (const [selector, act] of Object.entries(CLICKS)) {
    const clicked = event.target.closest(selector);
    if (clicked) return act(clicked, event);
  }
  // A click beside a dialog closes it.
  if (event.target.matches("dialog")) event.target.close();
});

// What is pressed beside a text leaves the focus in it: where there is little height, the buttons are there no
// longer than that (short.css), and a phone keeps its keyboard.
document.addEventListener("mousedown", (event) => event.target.closest(".modes label, .tools :is(button, label)") && event.preventDefault());

// --- a file ----------------------------------------------------------------------------------------

function attach(files) {
  const input = find("#reply-file");
  if (!input) return false;
  if (files.length > 1) problem(says("files")); // the first one is attached
  const given = new DataTransfer();
  if (files[0]) given.items.add(files[0]);
  input.files = given.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-letters]")) switchLetters(event.target);
  if (event.target.id !== "reply-file") return;
  const file = event.target.files[0];
  find("#file-chosen").hidden = !file;
  find("#file-chosen bdi").textContent = file?.name ?? "";
});

document.addEventListener("paste", (event) => {
  if (event.target.id === "reply-text" && event.clipboardData.files.length && attach(event.clipboardData.files)) event.preventDefault();
});

for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // a file dropped beside the box must not replace the page
    if (kind === "drop" && event.target.closest("#composer")) attach(event.dataTransfer.files);
  });
}

// --- looking ---------------------------------------------------------------------------------------

/** Scrolled up, a button leads back to the newest. The log counts from its end: 0 is the newest. */
function showNewest() {
  const button = find("#newest");
  if (button) button.hidden = find("#log").scrollTop > -300;
}

document.addEventListener("scroll", (event) => event.target.id === "log" && showNewest(), { capture: true, passive: true });

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && missed) refreshThread();
});
addEventListener("focus", () => unseen && refreshThread());

// How long people have waited grows by itself.
setInterval(() => (document.hidden ? refreshList() : refresh()), 60000);

localTimes(document);
backToList(document);
if (find("#entries")) dayLines(find("#entries"));
restore();
listen({ list: refreshList, thread: refreshThread, back: isBack, signedOut: toSignIn });
notice();
settle();
