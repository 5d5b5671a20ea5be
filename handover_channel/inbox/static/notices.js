// What tells an agent who looks elsewhere: the title's counter, a sound, a notification of the browser. What
// concerns them comes with every list, whatever it shows (_notices.html); what is new in that is announced.

import { all, announce, base, body, find, thread } from "./page.js";
import { announceOnce, begin, isLookedAt } from "./voice.js";

/** The list of those that wait shows the last ones alone: an older one that moves up is not new. */
const MOST_WAITING = 10;
/** One sound for what comes at once. */
const QUIET_FOR = 1000;

let known = null; // what was there -> its time; null: not looked yet
let before = { waiting: 0, newest: 0 };
let count = 0;
let audio = null;
let sounded = 0;

/** Look at what came with the list, and have announced what is new in it. */
export function notice() {
  const list = find("#list");
  if (!list) return;
  count = Number(list.dataset.waiting) + Number(list.dataset.unread);
  title();
  const found = all("[data-notice]", list).map(read);
  const fresh = known ? found.filter(isNew) : [];
  known ??= new Map();
  for (const { place, at } of found) known.set(place, Math.max(at, known.get(place) ?? 0));
  const waits = found.filter((each) => each.kind === "waits");
  before = { waiting: waits.length, newest: Math.max(before.newest, ...waits.map((each) => each.at)) };
  const given = fresh.filter((each) => each.kind === "given").map((each) => each.thread);
  for (const each of fresh) if (each.kind === "given" || !given.includes(each.thread)) announceOnce(each);
}

function read({ dataset, textContent }) {
  const { notice: kind, about, title, told } = dataset;
  const place = `${kind === "given" ? "given " : ""}${about}`;
  return { kind, place, thread: about, key: `${place} ${dataset.at}`, at: Number(dataset.at), title, told, words: textContent };
}

function isNew({ kind, place, at }) {
  if (known.has(place)) return at > known.get(place);
  return kind !== "waits" || before.waiting < MOST_WAITING || at > before.newest;
}

export function title() {
  const name = thread() && find("#thread-name")?.textContent.trim();
  const text = name ? `${name} · ${body.dataset.title}` : body.dataset.title;
  document.title = count ? `(${count}) ${text}` : text;
}

begin((notice) => {
  if (notice.kind !== "given" && isLookedAt(notice.thread)) return;
  announce(notice.told);
  if (notice.kind === "given") tell(notice);
  if (body.dataset.sound === "1") beep();
  if (body.dataset.notifications === "1" && !isLookedAt()) show(notice);
});

/** What a colleague gave stands in the page until it is opened, or put away. */
function tell({ told, thread }) {
  const place = find("#told");
  const link = find("a", place);
  link.textContent = told;
  link.dataset.tells = thread;
  link.href = find(`[data-about="${CSS.escape(thread)}"]`)?.href ?? `${base}/thread/${encodeURIComponent(thread)}`;
  place.hidden = false;
}

export function putAway() {
  find("#told").hidden = true;
}

/** Open a conversation that is perhaps not in the list. Returns whether that could be done without a reload. */
export function open(thread) {
  const name = CSS.escape(thread);
  const link = find(`.item[data-thread="${name}"], [data-about="${name}"]`);
  link?.click();
  return Boolean(link);
}

function show({ title, words, thread }) {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(title, {
    body: words,
    tag: thread,
    renotify: true,
    dir: document.documentElement.dir,
    lang: document.documentElement.lang,
  });
  shown.onclick = () => {
    window.focus();
    open(thread);
    shown.close();
  };
}

/** Two short tones. Browsers allow them once somebody has clicked or typed in the page. */
function beep() {
  if (navigator.userActivation?.hasBeenActive === false || Date.now() - sounded < QUIET_FOR) return;
  sounded = Date.now();
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  for (const [after, pitch] of [[0, 660], [0.13, 880]]) {
    const start = audio.currentTime + after;
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + 0.14);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.15);
  }
}
