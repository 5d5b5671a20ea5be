// One tab speaks for all tabs of the browser: who looks at the inbox in three tabs hears a thing once.
//
// Every tab knows of the others (`tabs`) and chooses the same one to speak: the one in front, else one that
// somebody has clicked in (a browser lets no other make a sound), else the first by its name. Whoever hears of
// something tells that one, and speaks in its place where no answer comes: it was closed, or is frozen.

import { page } from "./live.js";
import { body, threadId } from "./page.js";

const PATIENCE = 1500;
const MOST_KNOWN = 1000;

const line = "BroadcastChannel" in window ? new BroadcastChannel(`inbox.${body.dataset.you}`) : null;
const tabs = new Map(); // page -> what it has said of itself
const told = new Set(); // keys of what was announced in any tab

let speak = () => {};
let hearRead = () => {};

export const isInFront = () => !document.hidden && document.hasFocus();

const own = () => ({ page, inFront: isInFront(), thread: threadId(), clicked: navigator.userActivation?.hasBeenActive !== false });

const all = () => [...tabs.values(), own()];

/** Whether any tab is in front; with `thread`: and shows that one. */
export const isLookedAt = (thread) => all().some((tab) => tab.inFront && (thread === undefined || tab.thread === thread));

function speaker() {
  const rank = (tab) => `${tab.inFront ? 0 : 1}${tab.clicked ? 0 : 1}${tab.page}`;
  return all().sort((one, other) => (rank(one) < rank(other) ? -1 : 1))[0].page;
}

/** Have `notice` ({key, ...}) announced once, by one tab. */
export function announceOnce(notice) {
  if (told.has(notice.key)) return;
  const chosen = speaker();
  if (chosen === page || !line) return say(notice);
  line.postMessage({ to: chosen, notice });
  setTimeout(() => {
    if (told.has(notice.key)) return;
    tabs.delete(chosen);
    announceOnce(notice);
  }, PATIENCE);
}

function say(notice) {
  wasTold(notice.key);
  line?.postMessage({ told: notice.key });
  speak(notice);
}

function wasTold(key) {
  told.add(key);
  if (told.size > MOST_KNOWN) told.delete(told.values().next().value);
}

/** Have no tab announce what has that key: it is known. */
export function neverAnnounce(key) {
  wasTold(key);
  line?.postMessage({ told: key });
}

/** Tell the other tabs what this one shows now. */
export function showTab() {
  line?.postMessage({ here: own() });
}

/** Tell the other tabs that a conversation was read in this one. */
export function showRead(thread) {
  line?.postMessage({ read: thread });
}

/** Hear of what is read in other tabs. */
export function onRead(hear) {
  hearRead = hear;
}

/** Begin; `speaks` announces a notice in this tab. */
export function begin(speaks) {
  speak = speaks;
  line?.postMessage({ hello: own() });
}

line?.addEventListener("message", ({ data }) => {
  if (data.hello || data.here) tabs.set((data.hello ?? data.here).page, data.hello ?? data.here);
  if (data.hello) showTab();
  if (data.gone) tabs.delete(data.gone);
  if (data.told) wasTold(data.told);
  if (data.read) hearRead(data.read);
  if (data.to !== page) return;
  if (told.has(data.notice.key)) line.postMessage({ told: data.notice.key });
  else say(data.notice);
});

for (const kind of ["focus", "blur"]) addEventListener(kind, () => setTimeout(showTab));
document.addEventListener("visibilitychange", showTab);
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => setTimeout(showTab), { once: true });
addEventListener("pagehide", () => line?.postMessage({ gone: page }));
addEventListener("pageshow", (event) => event.persisted && line?.postMessage({ hello: own() }));
