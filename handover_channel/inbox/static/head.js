// The head of a conversation where there is little height (short.css): one line, and the rest of it behind "...".

import { all, body, find } from "./page.js";

const isOpen = () => body.dataset.head === "open";

/** For who uses a screen reader: whether all of it is there. */
export function showHead() {
  for (const button of all("[data-unfolds]")) button.setAttribute("aria-expanded", String(isOpen()));
}

export function unfoldHead() {
  body.dataset.head = "open";
  showHead();
}

/** Returns whether it was open. */
export function foldHead() {
  if (!isOpen()) return false;
  delete body.dataset.head;
  showHead();
  if (find("[data-unfolds]")?.offsetParent) find("[data-unfolds]").focus();
  return true;
}

export const toggleHead = () => foldHead() || unfoldHead();
