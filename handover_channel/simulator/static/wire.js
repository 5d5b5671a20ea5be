// The log: every webhook with its fate, every Graph API call with its answer, newest first.

import { call } from "./api.js";
import { copy, curlOf } from "./curl.js";
import { $, clock, make, toast } from "./dom.js";
import { app, bot, view } from "./view.js";

const SHOWN = 400;
const rows = new Map(); // number -> {element, entry}
let next = 0; // ask for entries after this one
const names = (id) => app(id)?.name ?? id;

const ofSeveral = ({ page }) => (view.state?.pages.length > 1 && page ? ` · ${view.state.pages.find((one) => one.id === page)?.name ?? page}` : "");

const waiting = (entry) => entry.status === null || (entry.kind === "webhook" && entry.status !== "kept" && entry.status !== 200);

export async function readLog() {
  const { entries } = await call(`journal?after=${next}`);
  if (!entries.length && next === 0) clearLog();
  for (const entry of entries) show(entry);
  const pending = [...rows.values()].filter(({ entry }) => waiting(entry)).map(({ entry }) => entry.n);
  const last = Math.max(0, ...rows.keys());
  next = Math.max(last - SHOWN, Math.min(last, ...pending.map((n) => n - 1)));
  filterLog();
}

export function clearLog() {
  rows.clear();
  $("log").replaceChildren();
}

export function filterLog() {
  const [others, receipts, mine] = ["log-others", "log-receipts", "log-mine"].map((id) => $(id).checked);
  const words = $("log-filter").value.trim().toLowerCase();
  for (const { element, entry, text } of rows.values()) {
    const quiet = ["delivery", "read"].includes(entry.event) && !receipts;
    const foreign = entry.kind === "webhook" && entry.app !== bot()?.id && !others;
    element.hidden = quiet || foreign || (mine && entry.psid !== view.psid) || !text.includes(words);
  }
}

for (const id of ["log-others", "log-receipts", "log-mine"]) $(id).addEventListener("change", filterLog);
$("log-filter").addEventListener("input", filterLog);

function show(entry) {
  const known = rows.get(entry.n);
  if (known && JSON.stringify(known.entry) === JSON.stringify(entry)) return;
  const element = draw(entry, known?.element.querySelector("details")?.open);
  if (known) known.element.replaceWith(element);
  else $("log").prepend(element);
  rows.set(entry.n, { element, entry, text: `${element.textContent} ${JSON.stringify(entry)}`.toLowerCase() });
  if (rows.size > SHOWN) {
    const oldest = Math.min(...rows.keys());
    rows.get(oldest).element.remove();
    rows.delete(oldest);
  }
}

function draw(entry, open) {
  const { direction, title, detail, good } = ({ webhook, graph, inbox }[entry.kind] ?? other)(entry);
  const status = entry.status === null ? "…" : String(entry.status ?? "");
  const summary = make(
    "summary",
    {},
    make("time", {}, clock(entry.at)),
    make("span", { class: `direction ${entry.kind}` }, direction),
    make("span", { class: "title", dir: "auto" }, title),
    status ? make("span", { class: `status ${good === null ? "" : good ? "good" : "bad"}` }, status) : null,
  );
  const pretty = detail.map(([label, value]) => make("div", {}, make("span", { class: "label" }, label), make("pre", { dir: "ltr", tabindex: "0" }, JSON.stringify(value, null, 2))));
  return make("li", {}, make("details", { open: Boolean(open) }, summary, acts(entry), ...pretty));
}

function acts(entry) {
  if (!["webhook", "graph"].includes(entry.kind)) return null;
  const row = make("div", { class: "actions" });
  const button = (label, run) => row.append(make("button", { type: "button", class: "plain", onclick: run }, label));
  const copied = async (text) => (await copy(text, row)) && toast("Copied.");
  button("Copy body", () => copied(JSON.stringify(entry.body ?? entry.query, null, 2)));
  button("Copy as curl", () => copied(curlOf(entry, app(entry.app))));
  if (entry.kind === "graph" || app(entry.app)?.callback) button(entry.kind === "graph" ? "Call again" : "Send again", () => again(entry));
  return row;
}

async function again(entry) {
  try {
    const { status, error } = await call("again", { number: entry.n });
    toast(`Once more: ${status ?? error}`);
  } catch (error) {
    toast(error.message);
  }
}

function webhook(entry) {
  const where = ofSeveral(entry);
  const tries = entry.attempts > 1 ? ` · try ${entry.attempts}` : "";
  const failed = entry.error ? [["What went wrong", entry.error]] : [];
  const good = entry.status === 200 ? true : entry.status === "kept" || (entry.status === null && !entry.error) ? null : false;
  return { direction: `→ ${names(entry.app)}`, title: `${entry.channel} · ${entry.event}${where}${tries}`, detail: [...failed, ["Body", entry.body]], good };
}

function graph(entry) {
  const body = Object.keys(entry.body).length ? [["Body", entry.body]] : [];
  const query = Object.keys(entry.query).length ? [["Query", entry.query]] : [];
  const answer = entry.answer === undefined ? [] : [["Answer", entry.answer]];
  const what = entry.body.sender_action ? ` · ${entry.body.sender_action}` : "";
  return { direction: `← ${names(entry.app)}`, title: `${entry.method} ${entry.path}${what}${ofSeveral(entry)}`, detail: [...query, ...body, ...answer], good: entry.status === null ? null : entry.status === 200 };
}

// A fault that was ordered, a move of the clock, what Meta does by itself.
function other(entry) {
  const { n, at, kind, app: whose, psid, act, text, page, ...facts } = entry;
  return { direction: whose ? names(whose) : "Meta", title: [kind, facts.fault?.name, act, text].filter(Boolean).join(" · "), detail: [["About", { psid, ...facts }]], good: null };
}

function inbox(entry) {
  const act = { reply: "somebody answers", main: "moved to Main", done: "Done" }[entry.act] ?? entry.act;
  return { direction: "Page inbox", title: act, detail: [["About", { psid: entry.psid }]], good: null };
}
