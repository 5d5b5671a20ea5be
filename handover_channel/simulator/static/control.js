// Who has control: in the bar by Meta's word and, where it can be asked, the bot's; and as a line of time.

import { $, ago, make, when } from "./dom.js";
import { BUILT_IN, app, appName, bot, thread, view } from "./view.js";

const HOUR = 3600;
const REASONS = { meta: "Meta", agent: "an agent", button: "the button", keyword: "a keyword", time_limit: "the time limit", done: "Done", handed_over: "handed over" };
const DUE = { time_limit: "the bot's time limit is up: it takes the thread back", no_answer: "nobody has answered by then", take_again: "the bot tries once more to take it back", settle: "the bot looks what has become of a pass" };

// Gives {who: "bot", "other" or "idle", name, note}.
export function holder() {
  const { owner, expires, speaks, bot_says: said } = thread();
  if (owner && !app(owner)?.bot) return { who: "other", name: appName(owner), note: `has control until ${when(expires)}${doubt(said)}` };
  const routed = ["R", "L1"].includes(view.state.mode);
  if (!owner && !(routed && app(view.state.default_app)?.bot)) {
    const name = routed ? appName(view.state.default_app) : "everybody";
    return { who: "idle", name, note: speaks.length > 1 ? "may answer: the thread is idle" : "answers as default app: the thread is idle" };
  }
  const meta = owner ? `has control until ${when(expires)}` : speaks.length > 1 ? "may answer: the thread is idle" : "answers as default app: the thread is idle";
  if (!view.state.bot_at_hand || view.state.bot_at_hand.trouble) return { who: owner ? "bot" : "idle", name: "our app", note: `(the bot, or its inbox) ${meta}` };
  return ours(said, meta);
}

// Meta's owner is our app, or nobody and our app answers: who it is there, the bot says.
function ours(said, meta) {
  const control = said?.control ?? "bot";
  if (control === "bot") return { who: "bot", name: "the bot", note: meta };
  if (control === "inbox") return { who: "other", name: BUILT_IN, note: `${said.assignee ? `its agent: ${said.assignee}` : "its agents answer there"} · Meta's word: our app` };
  if (control === "passing") return { who: "idle", name: said.name, note: "is being given control; the bot is silent already" };
  const why = control === "app" ? `it believes that ${said.name} has control` : "somebody has answered beside it";
  return { who: "idle", name: "nobody", note: `Meta's word is our app, and the bot is silent: ${why}` };
}

function doubt(said) {
  return said?.control === "bot" ? " · the bot does not know it yet" : "";
}

export const hasBuiltIn = () => Boolean(view.state.bot_at_hand?.inbox_url);
export const builtInHas = () => holder().name === BUILT_IN;

// Where the inbox has a place for the person, the link leads to it.
export const inboxLink = () => (thread().bot_says ? `/inbox?person=${encodeURIComponent(view.psid)}` : "/inbox");

export function drawControl() {
  const { who, name, note } = holder();
  $("control").dataset.who = who;
  $("control-owner").textContent = name;
  $("control-note").textContent = note;
  $("control-open").hidden = name !== BUILT_IN || !hasBuiltIn();
  $("control-open").href = inboxLink();
}

// --- the line of time --------------------------------------------------------------------------------

const DONE = { pass: "passes control", take: "takes control", request: "asks for control and gets it", release: "lets control go", step_in: "steps in", extend: "extends control", lapse: "loses control: it has run out" };

export function drawTimeline() {
  const { now } = view.state;
  const all = [...changes(), ...words(), ...due()].sort((one, other) => one.at - other.at);
  const key = JSON.stringify([all, view.psid, Math.floor(now / 60)]);
  if ($("timeline").dataset.key === key) return;
  $("timeline").dataset.key = key;
  const rows = all.map((one) => row(one, now));
  const place = all.findIndex((one) => one.due);
  rows.splice(place < 0 ? rows.length : place, 0, make("li", { class: "now" }, make("span", {}, `now, ${when(now)}`)));
  if (!all.length) rows.unshift(make("li", { class: "empty" }, "Nobody has had control yet."));
  $("timeline").replaceChildren(...rows);
}

function row({ at, what, by, due: isDue, more }, now) {
  return make("li", { class: `${by} ${isDue ? "due" : ""}` },
    make("time", {}, when(at)), make("span", { class: "what", dir: "auto" }, what),
    make("span", { class: "quiet" }, [isDue ? `in ${ago(at - now)}` : "", more].filter(Boolean).join(" · ")));
}

function changes() {
  return thread().chat.filter((entry) => entry.kind === "control").map((entry) => {
    const to = entry.owner && entry.owner !== entry.by ? ` to ${appName(entry.owner)}` : "";
    return { at: entry.at / 1000, by: "meta", what: `${appName(entry.by)} ${DONE[entry.action] ?? entry.action}${to}`, more: "Meta" };
  });
}

function words() {
  const log = thread().bot_says?.log ?? [];
  const name = (one) => (one.control === "bot" ? "bot" : one.target || one.control);
  return log.map((one, index) => {
    const way = one.control === "passing" ? ", under way" : one.control_before === "passing" ? ", done" : "";
    const before = index && one.control_before !== "passing" ? name(log[index - 1]) : "bot";
    return { at: one.at, by: "bots", what: `the bot: ${before} → ${name(one)}${way}`, more: `the bot's word, ${REASONS[one.reason] ?? one.reason}` };
  });
}

function due() {
  const { owner, expires, last_action: last, bot_says: said } = thread();
  const { now } = view.state;
  const all = owner ? [{ at: expires, by: "meta", what: `control of ${appName(owner)} runs out`, more: "Meta" }] : [];
  if (last) {
    all.push({ at: last + 24 * HOUR, by: "meta", what: "the messaging window closes", more: "24 hours after the person" });
    all.push({ at: last + 7 * 24 * HOUR, by: "meta", what: "the window closes for people, too", more: "HUMAN_AGENT, 7 days" });
  }
  for (const [kind, at] of Object.entries(said?.deadlines ?? {})) all.push({ at, by: "bots", what: DUE[kind] ?? kind, more: "the bot's deadline" });
  return all.filter(({ at }) => at > now).map((one) => ({ ...one, due: true }));
}
