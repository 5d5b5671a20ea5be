// Nothing typed is lost: what is written is kept per agent, thread and field until the server has accepted it.
// Each message has a key, so that sending it again after a broken connection does not send it twice.
//
// A reply leaves its field at once and waits in `sending` (outbox.js); where it is refused, it comes back.
// Whatever still waits when the page is loaded anew was perhaps accepted: it waits on, with the same key. Its file,
// which cannot be kept, is known by name alone then.

import { all, body, find, randomKey, threadId } from "./page.js";

const placeOf = (what) => `inbox.draft.${body.dataset.you}.${threadId()}.${what}`;
const place = (field) => placeOf(field.dataset.draft);
const fieldAt = (wanted) => all("[data-draft]").find((field) => place(field) === wanted);

/** Up to where the page shows answers of others, for a reply: the server asks before one goes past them. */
const shown = (field) => find("[name=seen]", field.form)?.value;

/** {text, seen, sending: [{text, key, tried, seen, written, lost}], tried, key}: `key` belongs to the text `tried`; `seen`: as it was written. */
function stored(at) {
  try {
    return { text: "", sending: [], ...JSON.parse(localStorage.getItem(at)) };
  } catch {
    return { text: "", sending: [] };
  }
}

/** Returns whether it is kept, where the other tabs see it. */
function store(at, draft) {
  try {
    if (draft.text || draft.key || draft.sending.length) localStorage.setItem(at, JSON.stringify(draft));
    else localStorage.removeItem(at);
    return true;
  } catch {
    return false; // storage is full or forbidden: the page still holds the text
  }
}

/** Requests of this page that have not been answered: request -> what it sends. */
const underWay = new Map();
/** Keys of replies that have left their field in this page. */
const leaving = new Set();

export function restoreDrafts() {
  for (const field of all("[data-draft]")) {
    const { text } = stored(place(field));
    if (text && !field.value) field.value = text;
  }
}

/** Return the replies that have left the field of `form` in a page that is not there any more, or in another tab. */
export function leftBehind(form) {
  const at = place(find("[data-draft]", form));
  const left = stored(at).sending.filter((each) => !leaving.has(each.key));
  for (const { key } of left) leaving.add(key);
  return left.map((each) => ({ written: Date.now(), ...each, at, isStored: true, data: dataOf(form, each) }));
}

/** Whether a reply still waits for its answer, as far as the other tabs know. */
export const isLeft = ({ at, key }) => stored(at).sending.some((each) => each.key === key);

function dataOf(form, { text, key, seen }) {
  const data = new FormData(form);
  data.delete("file"); // what is chosen now belongs to what is written now
  for (const [name, value] of Object.entries({ text, key, ...(seen && { seen }) })) data.set(name, value);
  return data;
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

/** The same again has the same key; anything else is another message. */
function keyed(draft, text, file) {
  const tried = `${text}\n${file?.name ?? ""} ${file?.size ?? ""}`;
  return { tried, key: draft.key && draft.tried === tried ? draft.key : randomKey() };
}

/** Note what `form` is about to send, and give it its key. Returns false where there is nothing to send. */
export function beginSending(request, form, data) {
  const field = find("[data-draft]", form);
  const text = field.value;
  if (form.matches("[data-writes]") && !text.trim()) return false;
  const at = place(field);
  const draft = stored(at);
  const { tried, key } = keyed(draft, text);
  data.set("key", key);
  underWay.set(request, { at, text });
  store(at, { ...draft, text, tried, key });
  return true;
}

/** The server has what was sent: take it out of the field, and leave what was typed meanwhile. */
export function wasAccepted(request) {
  const sent = underWay.get(request);
  underWay.delete(request);
  if (!sent) return;
  const draft = stored(sent.at);
  const field = fieldAt(sent.at);
  const rest = (field?.value ?? draft.text).startsWith(sent.text) ? (field?.value ?? draft.text).slice(sent.text.length) : draft.text;
  store(sent.at, { text: rest.trimStart(), sending: draft.sending });
  if (field) field.value = rest.trimStart();
}

/** It was refused, or nothing was heard: it is still in its field. */
export function wasRefused(request) {
  underWay.delete(request);
}

/** Take a reply out of its form. Returns what is to be sent, null where there is nothing. */
export function takeOut(form) {
  const field = find("[data-draft]", form);
  const file = find("input[type=file]", form)?.files[0];
  const text = field.value;
  if (!text.trim() && !file) return null;
  const at = place(field);
  const draft = stored(at);
  const { tried, key } = keyed(draft, text, file);
  const data = new FormData(form);
  data.set("key", key);
  if (draft.seen && draft.text === text) data.set("seen", draft.seen);
  leaving.add(key);
  const reply = { text, key, tried, seen: draft.seen, written: Date.now() };
  const isStored = store(at, { text: "", sending: [...draft.sending, { ...reply, lost: file?.name }] });
  field.value = "";
  if (file) choose(form, []);
  return { ...reply, at, isStored, file, data };
}

function choose(form, files) {
  const chosen = find("input[type=file]", form);
  const given = new DataTransfer();
  for (const file of files) given.items.add(file);
  chosen.files = given.files;
  chosen.dispatchEvent(new Event("change", { bubbles: true }));
}

/** The server has the reply. */
export function isSent({ at, key, text }) {
  const draft = stored(at);
  const sending = draft.sending.filter((each) => each.key !== key);
  // A tab that was opened meanwhile has taken it for what is still to be sent.
  const again = draft.key === key && draft.text === text;
  store(at, again ? { text: "", sending } : { ...draft, sending });
}

/** Replies of one conversation were not sent: they come back, in order, before what was typed meanwhile. */
export function takeBack(replies) {
  const { at } = replies[0];
  const field = fieldAt(at);
  const draft = stored(at);
  const keys = replies.map((each) => each.key);
  for (const key of keys) leaving.delete(key);
  const sending = draft.sending.filter((each) => !keys.includes(each.key));
  const texts = [...replies.map((each) => each.text), field?.value ?? draft.text].filter(Boolean);
  const text = texts.join("\n");
  const [{ tried, key, seen }] = replies;
  store(at, { text, seen, sending, ...(texts.length === 1 && replies[0].text && { tried, key }) });
  if (!field) return;
  field.value = text;
  const file = replies.find((each) => each.file)?.file;
  if (file && find("input[type=file]", field.form)?.files.length === 0) choose(field.form, [file]);
}

/** A reply that was discarded: its text goes back into the field. */
export function giveBack(text) {
  takeBack([{ at: placeOf("reply"), text }]);
  find("#reply-text")?.focus();
}
