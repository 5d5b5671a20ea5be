// Nothing typed is lost: what is written is kept per agent, thread and field until the server has accepted it.
// Each message has a key, so that sending it again after a broken connection does not send it twice.
//
// A reply leaves its field at once and waits in `sending`; where it is refused, it comes back into the field.
// Whatever still waits when the page is loaded anew was perhaps accepted: it comes back with the same key.

import { all, body, find, randomKey, threadId } from "./page.js";

const placeOf = (what) => `inbox.draft.${body.dataset.you}.${threadId()}.${what}`;
const place = (field) => placeOf(field.dataset.draft);
const fieldAt = (wanted) => all("[data-draft]").find((field) => place(field) === wanted);

/** Up to where the page shows answers of others, for a reply: the server asks before one goes past them. */
const shown = (field) => find("[name=seen]", field.form)?.value;

/** {text, seen, sending: [{text, key}], tried, key}: `key` belongs to the text `tried`; `seen`: as it was written. */
function stored(at) {
  try {
    return { text: "", sending: [], ...JSON.parse(localStorage.getItem(at)) };
  } catch {
    return { text: "", sending: [] };
  }
}

function store(at, draft) {
  try {
    if (draft.text || draft.key || draft.sending.length) localStorage.setItem(at, JSON.stringify(draft));
    else localStorage.removeItem(at);
  } catch {
    // Storage is full or forbidden: the field still holds the text.
  }
}

/** Requests of this page that have not been answered: request -> what it sends. */
const underWay = new Map();

export function restoreDrafts() {
  for (const field of all("[data-draft]")) {
    const at = place(field);
    const draft = stored(at);
    const keys = [...underWay.values()].map((each) => each.key);
    const left = draft.sending.filter((each) => !keys.includes(each.key));
    for (const each of left) takeBack(at, each);
    const { text } = stored(at);
    if (text && !field.value) field.value = text;
  }
}

export function keepDraft(field) {
  const at = place(field);
  store(at, { ...stored(at), text: field.value, seen: shown(field) });
}

/** Another tab has changed a draft: it is shown here, too, unless it was changed here. */
addEventListener("storage", ({ key, oldValue, newValue }) => {
  const field = key && fieldAt(key);
  const [before, now] = [oldValue, newValue].map((kept) => (kept ? JSON.parse(kept).text : ""));
  if (field && before !== now && field.value === before) field.value = now;
});

/** Note what `form` is about to send, and give it its key. Returns false where there is nothing to send. */
export function beginSending(request, form, data) {
  const field = find("[data-draft]", form);
  const file = find("input[type=file]", form)?.files[0];
  const text = field.value;
  if (form.matches("[data-writes]") && !text.trim() && !file) return false;
  const at = place(field);
  const draft = stored(at);
  const tried = `${text}\n${file?.name ?? ""} ${file?.size ?? ""}`;
  // The same again has the same key; anything else is another message.
  const key = draft.key && draft.tried === tried ? draft.key : randomKey();
  data.set("key", key);
  if (data.has("seen") && draft.seen && draft.text === text) data.set("seen", draft.seen);
  const leaves = field.dataset.draft === "reply" && !file;
  underWay.set(request, { at, text, key, tried, seen: draft.seen, file, leaves });
  if (leaves) {
    field.value = "";
    store(at, { text: "", sending: [...draft.sending, { text, key, tried, seen: draft.seen }] });
  } else store(at, { ...draft, text, tried, key });
  return true;
}

/** The server has what was sent: take it out of the field, and leave what was typed meanwhile. */
export function wasAccepted(request) {
  const sent = underWay.get(request);
  underWay.delete(request);
  if (!sent) return;
  const draft = stored(sent.at);
  draft.sending = draft.sending.filter((each) => each.key !== sent.key);
  if (sent.leaves) {
    // A tab that was opened meanwhile has taken it for what is still to be sent.
    const again = draft.key === sent.key && draft.text === sent.text;
    return store(sent.at, again ? { text: "", sending: draft.sending } : draft);
  }
  const field = fieldAt(sent.at);
  const rest = (field?.value ?? draft.text).startsWith(sent.text) ? (field?.value ?? draft.text).slice(sent.text.length) : draft.text;
  store(sent.at, { text: rest.trimStart(), sending: draft.sending });
  if (!field) return;
  field.value = rest.trimStart();
  const chosen = find("input[type=file]", field.form);
  if (chosen && chosen.files[0] === sent.file) {
    chosen.value = "";
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** It was refused, or nothing was heard: what had left its field comes back. */
export function wasRefused(request) {
  const sent = underWay.get(request);
  underWay.delete(request);
  if (!sent?.leaves) return;
  const field = fieldAt(sent.at);
  if (field) keepDraft(field);
  takeBack(sent.at, sent);
  if (field) field.value = stored(sent.at).text;
}

/** A reply that was discarded: its text goes back into the field, before what stands there. */
export function giveBack(text) {
  const at = placeOf("reply");
  const field = fieldAt(at);
  if (field) keepDraft(field);
  const { sending, seen, text: more } = stored(at);
  store(at, { text: more ? `${text}\n${more}` : text, seen, sending });
  if (!field) return;
  field.value = stored(at).text;
  field.focus();
}

function takeBack(at, { text, key, tried, seen }) {
  const draft = stored(at);
  const sending = draft.sending.filter((each) => each.key !== key);
  if (draft.text) store(at, { text: `${text}\n${draft.text}`, seen, sending });
  else store(at, { text, seen, sending, tried, key });
}
