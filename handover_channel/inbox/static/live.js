// Server-sent events: that the list or the open thread may have changed. What has, is asked for.

import { base, find, randomKey, threadId } from "./page.js";

/** Names this open page to the server: who looks, who types. */
export const page = randomKey();
const LONGEST = 30000;
const SHOWN_AFTER = 2000;

let source = null;
let patience = 1000;
let timer = 0;
let broken = false;
let wait = 0; // until a broken connection is shown: the next one often stands at once
let told = {};

/** Tell `on.list`, `on.thread`, `on.back` and `on.signedOut`. Called again when another thread is opened. */
export function listen(on = told) {
  told = on;
  clearTimeout(timer);
  source?.close();
  const opened = (source = new EventSource(`${base}/live?page=${page}&thread=${encodeURIComponent(threadId())}`));
  opened.addEventListener("open", () => {
    patience = 1000;
    clearTimeout(wait);
    showBroken(false);
    if (broken) told.back();
    // What came between the page and this was not heard.
    told.list();
    if (broken) told.thread();
    broken = false;
  });
  opened.addEventListener("list", () => told.list());
  opened.addEventListener("thread", () => told.thread());
  opened.addEventListener("signed-out", () => told.signedOut());
  opened.addEventListener("error", () => {
    if (opened !== source) return;
    if (!broken) {
      told.list(); // whoever is not signed in any more hears it there
      wait = setTimeout(showBroken, SHOWN_AFTER, true);
    }
    broken = true;
    if (opened.readyState === EventSource.CLOSED) {
      timer = setTimeout(listen, patience);
      patience = Math.min(patience * 2, LONGEST);
    }
  });
}

/** Something else found out that there is no connection: it is shown, until there is one. */
export function noConnection() {
  broken = true;
  showBroken(true);
  clearTimeout(timer);
  timer = setTimeout(listen, patience);
}

/** The banner can be put away, and comes back with the next time; the sign in the bar stays. */
function showBroken(isBroken) {
  const sign = find("#connection");
  if (!sign || sign.hidden === !isBroken) return;
  sign.hidden = !isBroken;
  find("#offline").hidden = !isBroken;
}

addEventListener("online", () => broken && listen());
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => event.persisted && listen());
