// Nothing typed is lost: drafts are kept per agent, thread and field until the server has accepted them.
// Each message has a key, so that sending it again after a broken connection does not send it twice.

import { all, body, find, randomKey, threadId } from "./page.js";

const place = (field) => `inbox.draft.${body.dataset.you}.${threadId()}.${field.dataset.draft}`;

const stored = (field) => {
  try {
    return JSON.parse(localStorage.getItem(place(field))) ?? {};
  } catch {
    return {};
  }
};

function store(field, draft) {
  try {
    if (draft.text || draft.key) localStorage.setItem(place(field), JSON.stringify(draft));
    else localStorage.removeItem(place(field));
  } catch {
    // Storage is full or forbidden: the field still holds the text.
  }
}

/** What each form has sent and not heard of yet. */
const sent = new WeakMap();

export function restoreDrafts() {
  for (const field of all("[data-draft]")) {
    const { text } = stored(field);
    if (text && !field.value) field.value = text;
  }
}

export function keepDraft(field) {
  store(field, { ...stored(field), text: field.value });
}

/** Note what `form` is about to send, and give it its key. Returns false where there is nothing to send. */
export function beginSending(form, data) {
  const field = find("[data-draft]", form);
  const file = find("input[type=file]", form)?.files[0];
  if (form.matches("[data-writes]") && !field.value.trim() && !file) return false;
  const tried = `${field.value}\n${file?.name ?? ""} ${file?.size ?? ""}`;
  const draft = stored(field);
  // The same again has the same key; anything else is another message.
  const key = draft.key && draft.tried === tried ? draft.key : randomKey();
  store(field, { text: field.value, tried, key });
  data.set("key", key);
  sent.set(form, { text: field.value, file });
  return true;
}

/** The server has what `form` sent: take that out of the field, and leave what was typed meanwhile. */
export function wasAccepted(form) {
  const { text, file } = sent.get(form) ?? {};
  sent.delete(form);
  const field = find("[data-draft]", form);
  if (!field || text === undefined) return;
  field.value = field.value.startsWith(text) ? field.value.slice(text.length).trimStart() : field.value;
  store(field, { text: field.value });
  const chosen = find("input[type=file]", form);
  if (chosen && chosen.files[0] === file) {
    chosen.value = "";
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
