// Canned replies: "/" in an empty reply opens them, letters narrow them, up and down choose, Enter takes one.

import { all, announce, find, says } from "./page.js";

const field = () => find("#reply-text");
const list = () => find("#canned");
const shown = () => all("[role=option]", list()).filter((option) => !option.hidden);

let byButton = false; // opened beside a reply that is being written: the choice goes in where the cursor is

export const isOpen = () => Boolean(list() && !list().hidden);

export function openByButton() {
  byButton = true;
  show("");
  field().focus();
}

/** The reply has changed: is it the beginning of a canned one? */
export function typed() {
  if (!list()) return;
  const letters = /^\/(\S*)$/.exec(field().value);
  byButton = false;
  if (letters) show(letters[1]);
  else close();
}

/** Keys while the list is open. Returns true where the key was for the list. */
export function pressed(event) {
  if (!isOpen()) return false;
  const options = shown();
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : -1;
    choose(options[(at + step + options.length) % options.length]);
  } else if ((event.key === "Enter" || event.key === "Tab") && options[at]) take(options[at]);
  else if (event.key === "Escape") close();
  else return false;
  return true;
}

export function take(option) {
  const text = option.dataset.text;
  const reply = field();
  if (byButton) reply.setRangeText(text, reply.selectionStart, reply.selectionEnd, "end");
  else reply.value = text;
  close();
  reply.focus();
  reply.dispatchEvent(new Event("input", { bubbles: true }));
}

export function close() {
  if (!isOpen()) return;
  list().hidden = true;
  field().removeAttribute("aria-activedescendant");
}

function show(letters) {
  const wanted = letters.toLocaleLowerCase();
  for (const option of all("[role=option]", list())) {
    const { name, text } = option.dataset;
    option.hidden = !`${name} ${text}`.toLocaleLowerCase().includes(wanted);
  }
  const options = shown();
  if (list().hidden) announce(says("found"));
  list().hidden = !options.length;
  if (options.length) choose(options.find((option) => option.dataset.name.toLocaleLowerCase().startsWith(wanted)) ?? options[0]);
  else announce(says("none"));
}

function choose(option) {
  for (const each of all("[role=option]", list())) each.setAttribute("aria-selected", String(each === option));
  if (!option) return;
  field().setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}
