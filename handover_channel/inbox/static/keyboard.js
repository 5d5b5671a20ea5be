// The keys of the page, for who does not use a mouse. Single letters can be switched off (WCAG 2.1.4).

import { closeSheet, togglePerson } from "./beside.js";
import { all, body, find, thread } from "./page.js";

const SWITCHED_OFF = "inbox.letters-off";
const isWritten = (element) => element.closest("input, textarea, select, [contenteditable]");

/** Write into the reply or the note. */
export function write(what) {
  const mode = find(`#mode-${what}`);
  if (mode) mode.checked = true;
  (find(`#${what}-text`) ?? find("#thread-name"))?.focus();
}

function move(step) {
  const items = all(".item");
  const at = items.findIndex((item) => item === document.activeElement);
  const from = at >= 0 ? at : items.findIndex((item) => item.hasAttribute("aria-current"));
  const next = items[Math.min(Math.max(from + step, 0), items.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Out of what is written, out of the thread. */
function leave(from) {
  if (closeSheet()) return;
  const menu = find("details.menu[open]");
  if (menu) {
    menu.open = false;
    find("summary", menu).focus();
  } else if (isWritten(from) && thread()?.contains(from)) find("#thread-name").focus();
  else if (isWritten(from)) from.blur();
  else if (thread() && matchMedia("(max-width: 720px)").matches) find("[data-back]").click();
  else (find(".item[aria-current]") ?? find(".item"))?.focus();
}

const LETTERS = {
  j: () => move(1),
  k: () => move(-1),
  r: () => thread() && write("reply"),
  n: () => thread() && write("remark"),
  i: togglePerson,
  "/": () => find("#search")?.focus(),
  "?": () => find("#shortcuts").showModal(),
};

export function keys(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (find("dialog[open]")) return;
  const from = event.target;
  if (event.key === "Escape") return leave(from);
  if (from.id === "search" && event.key === "ArrowDown") {
    event.preventDefault();
    return find(".item")?.focus();
  }
  if (isWritten(from)) return;
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (from === body || from.closest("#list"))) {
    event.preventDefault();
    return move(event.key === "ArrowDown" ? 1 : -1);
  }
  const act = LETTERS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || localStorage.getItem(SWITCHED_OFF)) return;
  event.preventDefault();
  act();
}

/** The box in the dialog of the shortcuts. */
export function switchLetters(box) {
  if (box.checked) localStorage.removeItem(SWITCHED_OFF);
  else localStorage.setItem(SWITCHED_OFF, "1");
}

export const lettersAreOn = () => !localStorage.getItem(SWITCHED_OFF);
