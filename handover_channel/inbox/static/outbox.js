// Replies on their way. Each is a bubble at once, until the server's own stands in its place (data-kept).
//
// Those of one conversation go one after the other. What no connection takes waits, with what was written behind
// it, and goes by itself once there is one: it keeps its key, so that nothing is sent twice. What the server
// refuses comes back into its field, in order, with what was written behind it; where another conversation is open
// by then, it stays a bubble, with its file. What had no answer when the page was loaded anew is a bubble again.
// What waits for a click goes at a click alone: never along with another reply.

import { isLeft, isSent, leftBehind, takeBack, takeOut } from "./drafts.js";
import { noConnection } from "./live.js";
import { all, announce, find, says, thread, threadId } from "./page.js";
import { localTimes } from "./times.js";

/** Milliseconds after which a reply is *still* being sent, and between two tries without a connection. */
const STILL_AFTER = 5000;
const AGAIN_EVERY = 10000;
/** What is older than that waits for a click: by then the agent may have answered another way. */
const BY_ITSELF_WITHIN = 15 * 60000;

const AWAY = [502, 503, 504];
const SENDING = "sending"; // or waits for those before it
const UNSENT = "unsent"; // see WHY
const KEPT = "kept"; // the server has it

/** Why one is unsent. There was no connection; it was refused where nobody saw it; the page was loaded anew. */
const WHY = { OFFLINE: "offline", REFUSED: "refused", ANEW: "anew" };

/**
 * In order: {thread, path, key, text, file, data, at, isStored, seen, tried, written, state, why, lost}; lost: a file's
 * name; isStored: the other tabs see it.
 */
const replies = [];
const busy = new Map(); // thread -> its reply whose answer is awaited
let told = {};
let timer = 0;

/** Begin; `on.kept`, `on.refused(response, thread)` and `on.signedOut` hear what becomes of replies. */
export function begin(on) {
  told = on;
}

/** Take a reply out of its form, and send it. */
export function send(form, consent) {
  const reply = takeOut(form);
  consent(form, reply?.data ?? new FormData()); // said once, also where there is nothing to send
  if (!reply) return;
  replies.push({ ...reply, thread: threadId(), path: form.action, state: SENDING });
  draw();
  find("#log")?.scrollTo({ top: 0 });
  work(threadId());
}

/** Try again what there was no connection for. */
export function tryAgain() {
  const waiting = replies.filter(goesByItself);
  for (const each of new Set(waiting.map((reply) => reply.thread))) work(each);
}

const goesByItself = (reply) =>
  reply.state === UNSENT && reply.why === WHY.OFFLINE && Date.now() - reply.written < BY_ITSELF_WITHIN;

/** Another tab has sent it, or has it in its field. */
const isTaken = (reply) => reply.isStored && reply.state !== KEPT && !isLeft(reply);

const goes = (reply) => (reply.state === SENDING || goesByItself(reply)) && !reply.lost && !isTaken(reply);

/** Show what of the open conversation had no answer when a page was left. Returns whether there is any. */
export function restore() {
  const form = find("#reply");
  const left = form ? leftBehind(form) : [];
  replies.push(...left.map((each) => ({ ...each, thread: threadId(), path: form.action, state: UNSENT, why: WHY.ANEW })));
  if (left.length) draw();
  return left.length > 0;
}

/** What is on its way may still arrive: that one goes where it has not (`isTakenNow`). */
addEventListener("storage", ({ key }) => {
  drop(replies.filter((each) => each.at === key && isTaken(each) && busy.get(each.thread) !== each));
  draw();
});

async function work(id) {
  if (busy.has(id)) return;
  const next = () => {
    busy.set(id, replies.find((each) => each.thread === id && goes(each)));
    return busy.get(id);
  };
  try {
    for (let reply = next(); reply && (await post(reply)); reply = next());
  } finally {
    busy.delete(id);
  }
}

/** Send one reply. Returns whether the next one may follow. */
async function post(reply) {
  reply.state = SENDING;
  reply.begun = Date.now();
  setTimeout(draw, STILL_AFTER + 50);
  draw();
  let response;
  try {
    response = await fetch(reply.path, { method: "POST", body: reply.data, headers: { "HX-Request": "true" } });
  } catch {
    noConnection();
    return isKnown(reply) || waits(reply);
  }
  if (isKnown(reply)) return true;
  if (AWAY.includes(response.status)) return waits(reply);
  if (response.status === 401 || (response.redirected && new URL(response.url).pathname.endsWith("/sign-in"))) return told.signedOut();
  if (!response.ok) return refused(reply, response);
  reply.state = KEPT;
  isSent(reply);
  if (reply.thread !== threadId()) drop([reply]);
  told.kept();
  return true;
}

/** The page has shown meanwhile that the server has it, whatever this request has heard. */
const isKnown = (reply) => !replies.includes(reply);

/** It has not arrived, and another tab has it: it goes from here, and those behind it may follow. */
function isTakenNow(reply) {
  if (!isTaken(reply)) return false;
  drop([reply]);
  draw();
  return true;
}

function waits(reply) {
  if (isTakenNow(reply)) return true;
  stay(behind(reply), WHY.OFFLINE);
  clearTimeout(timer);
  timer = setTimeout(tryAgain, AGAIN_EVERY);
  announce(says("unsent"));
  return false;
}

function stay(these, why) {
  for (const each of these) Object.assign(each, { state: UNSENT, why });
  draw();
}

function refused(reply, response) {
  if (isTakenNow(reply)) return true;
  if (reply.thread === threadId() && find("#reply-text")) back(behind(reply));
  else stay(behind(reply), WHY.REFUSED);
  told.refused(response, reply.thread);
  return false;
}

/** The reply, and those of its conversation that go after it. */
const behind = (reply) => replies.slice(replies.indexOf(reply)).filter((each) => each.thread === reply.thread && goes(each));

function drop(these) {
  for (const each of these) if (replies.includes(each)) replies.splice(replies.indexOf(each), 1);
}

function back(these) {
  drop(these);
  takeBack(these);
  draw();
}

const ofBubble = (button) => replies.find((each) => `p-${each.key}` === button.closest(".pending").id);

export const OUTBOX = {
  "[data-sends-again]": (button) => {
    const reply = ofBubble(button);
    Object.assign(reply, { state: SENDING, begun: Date.now() });
    draw();
    work(reply.thread);
  },
  "[data-takes-back]": (button) => {
    back([ofBubble(button)]);
    find("#reply-text")?.focus();
  },
};

// --- bubbles -----------------------------------------------------------------------------------------

/** Keys of what is on its way in the open conversation: the server says which of them it has. */
export const pendingKeys = () => replies.filter((each) => each.thread === threadId()).map((each) => each.key);

/** Put the bubbles of a conversation behind what the server says, without those that it shows itself. */
export function showPending(entries, shown) {
  const kept = (shown.dataset.kept ?? "").split(" ");
  const known = replies.filter((each) => each.thread === shown.dataset.thread && kept.includes(each.key));
  known.forEach(isSent);
  drop(known);
  drawIn(entries, shown.dataset.thread);
}

function draw() {
  const entries = thread() && find("#entries");
  if (entries && !("aside" in thread().dataset)) drawIn(entries, threadId());
}

function drawIn(entries, id) {
  const mine = replies.filter((each) => each.thread === id);
  for (const bubble of all(".pending", entries)) if (!mine.some((each) => bubble.id === `p-${each.key}`)) bubble.remove();
  for (const reply of mine) update(find(`#p-${reply.key}`, entries) ?? entries.appendChild(bubbleOf(reply)), reply);
}

function bubbleOf(reply) {
  const bubble = find("#pending-reply").content.firstElementChild.cloneNode(true);
  bubble.id = `p-${reply.key}`;
  find(".text", bubble).textContent = reply.text;
  find(".text", bubble).hidden = !reply.text;
  const file = reply.file?.name ?? reply.lost;
  find(".file", bubble).hidden = !file;
  find(".file bdi", bubble).textContent = file ?? "";
  find("time", bubble).dateTime = new Date(reply.written).toISOString();
  localTimes(bubble);
  return bubble;
}

function update(bubble, reply) {
  const isUnsent = reply.state === UNSENT;
  const state = isUnsent ? UNSENT : Date.now() - reply.begun > STILL_AFTER ? "still" : SENDING;
  bubble.classList.toggle("sending", !isUnsent);
  bubble.classList.toggle("failed", isUnsent);
  for (const each of all("[data-while]", bubble)) each.hidden = !each.dataset.while.split(" ").includes(state);
  for (const each of all("[data-why]", bubble)) each.hidden = each.dataset.why !== reply.why;
  find("[data-by-itself]", bubble).hidden = !goesByItself(reply);
  find("[data-lost]", bubble).hidden = !reply.lost;
  find("[data-sends-again]", bubble).hidden = Boolean(reply.lost);
}
