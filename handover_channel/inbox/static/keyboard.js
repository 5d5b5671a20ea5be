// The keys of the page, for who does not use a mouse. What each does stands in the sheet of shortcuts alone
// (shortcuts.py), and is mostly to press the page's own button of that name. Single letters can be switched off
// (WCAG 2.1.4).

import { closeSheet } from "./beside.js";
import { openCommands } from "./command_bar.js";
import { foldHead, unfoldHead } from "./head.js";
import { all, announce, body, find, says, thread } from "./page.js";
import { move, toList } from "./places.js";

const SWITCHED_OFF = "inbox.letters-off";
// What a dialog had keeps the focus after it has closed, until the next frame: nobody writes there.
const isWritten = (element) =>
  element.closest?.("input, textarea, select, [contenteditable]") && !element.closest("dialog:not([open])");

/** Whether somebody writes: then the focus is left where it is. */
export const isWriting = () => Boolean(isWritten(document.activeElement));

/** Write into the reply or the note. */
export function write(what) {
  const mode = find(`#mode-${what}`);
  if (mode) mode.checked = true;
  (find(`#${what}-text`) ?? find("#thread-name"))?.focus();
}

/** Out of what is written, out of the thread. */
function leave(from) {
  if (closeSheet()) return;
  const menu = find("details.menu[open]");
  if (menu) {
    menu.open = false;
    find("summary", menu).focus();
  } else if (isWritten(from) && thread()?.contains(from)) find("#thread-name").focus();
  else if (foldHead()) return;
  else if (isWritten(from)) from.blur();
  else if (thread() && matchMedia("(max-width: 720px)").matches) find("[data-back]").click();
  else toList();
}

const MOVEMENTS = {
  down: () => move(1),
  up: () => move(-1),
};

/** Press a button of the page, go into a field, or choose what is written. */
export function press(element) {
  if (element.matches("label[for^=mode-]")) write(element.htmlFor.replace("mode-", ""));
  else if (isWritten(element)) {
    if (!element.offsetParent && thread()?.contains(element)) unfoldHead();
    element.focus();
  }
  else element.click();
}

function act(does) {
  if (does in MOVEMENTS) return MOVEMENTS[does]();
  const button = all(`[data-does="${does}"]`).find((each) => !each.disabled);
  if (button) press(button);
  else announce(says("impossible"));
}

export function keys(event) {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  if (find("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "k" || event.shiftKey) return;
    event.preventDefault();
    return openCommands();
  }
  const from = event.target;
  if (event.key === "Escape") return leave(from);
  if (from.id === "search" && event.key === "ArrowDown") {
    event.preventDefault();
    return find("#list .item")?.focus();
  }
  if (isWritten(from)) return;
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (from === body || from.closest("#list"))) {
    event.preventDefault();
    return move(event.key === "ArrowDown" ? 1 : -1);
  }
  const wanted = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const key = all("#shortcuts [data-key]").find((each) => each.dataset.key === wanted);
  if (!key || localStorage.getItem(SWITCHED_OFF)) return;
  event.preventDefault();
  act(key.dataset.names);
}

/** The box in the dialog of the shortcuts. */
export function switchLetters(box) {
  if (box.checked) localStorage.removeItem(SWITCHED_OFF);
  else localStorage.setItem(SWITCHED_OFF, "1");
}

export const lettersAreOn = () => !localStorage.getItem(SWITCHED_OFF);

if (/Mac|iPhone|iPad/.test(navigator.platform)) for (const each of all("[data-command-key]")) each.textContent = "⌘";
