// Before a reply goes into a colleague's conversation, or past a newer answer, the server asks (409 and a dialog).
// Nothing is kept there then, and the text is in its field again: sent anyway, it has the same key.

import { keepDraft } from "./drafts.js";
import { write } from "./keyboard.js";
import { find, threadId } from "./page.js";

let asked = null; // the form that was asked about
let askedIn = ""; // its conversation: a form is made that of the next one
let consent = null; // what it says along when it is sent once more

/** A form was answered with a question, perhaps. */
export function wasAsked(form) {
  asked = form;
  askedIn = threadId();
}

/** Show the question that has arrived. */
export function ask() {
  const dialog = find("#problem #asks");
  if (dialog && !dialog.open) dialog.showModal();
}

/** Say along with `form` what its writer has consented to. */
export function sayConsent(form, data) {
  if (consent?.form === form) for (const [name, value] of Object.entries(consent.fields)) data.set(name, value);
  consent = null;
}

function closeIt() {
  const { despite, seen } = find("#asks").dataset;
  find("#asks").close();
  find("#problem").replaceChildren();
  return { ...(despite && { despite }), ...(seen && { seen }) };
}

function send(more = {}) {
  const form = asked?.isConnected ? asked : find("#reply");
  if (askedIn !== threadId()) return closeIt();
  consent = { form, fields: { ...closeIt(), ...more } };
  form?.requestSubmit();
}

/** What was written becomes a note: at once, unless one has been begun. */
function makeNote() {
  closeIt();
  const [reply, note] = [find("#reply-text"), find("#remark-text")];
  const begun = note.value.trim();
  note.value = begun ? `${note.value}\n${reply.value}` : reply.value;
  reply.value = "";
  for (const field of [note, reply]) keepDraft(field);
  write("remark");
  if (!begun) note.form.requestSubmit();
}

export const ASKS = {
  "[data-asks-closes]": () => {
    closeIt();
    find("#reply-text")?.focus();
  },
  "[data-asks-send]": () => send(),
  "[data-asks-take]": () => send({ take: "1" }),
  "[data-asks-note]": makeNote,
};
