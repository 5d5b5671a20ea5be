// Where somebody is in the list: it moves while they read and answer, and they go on from where they were.

import { all, find } from "./page.js";

let place = 0; // of the conversation that is open, or of the one with the focus, when it was last in the list

const items = () => all("#list .item");
const focused = () => items().findIndex((item) => item === document.activeElement);
const opened = () => items().findIndex((item) => item.hasAttribute("aria-current"));

/** Before the list changes. */
export function rememberPlace() {
  const at = focused() >= 0 ? focused() : opened();
  if (at >= 0) place = at;
}

function go(item) {
  item?.focus();
  item?.scrollIntoView({ block: "nearest" });
  return Boolean(item);
}

/** To the next (1) or the previous one (-1). What has left the list leaves its place to the one behind it. */
export function move(step) {
  const found = items();
  const at = focused() >= 0 ? focused() : opened();
  const to = at >= 0 ? at + step : step > 0 ? place : place - 1;
  place = Math.min(Math.max(to, 0), found.length - 1);
  go(found[place]);
}

/** Back to the list. Returns false where it is empty. */
export function toList() {
  const found = items();
  return go(found[opened()] ?? found[Math.min(place, found.length - 1)]);
}

/** To who waits next: in the list from here on, or to the button that opens them. */
export function toNextWaiting() {
  const waits = (item) => find(".waits", item) && !item.hasAttribute("aria-current");
  const found = items();
  go(found.slice(place).find(waits) ?? found.find(waits) ?? find("[data-does=next]"));
}
