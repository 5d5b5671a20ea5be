// The person beside the chat: a column where there is room, else a sheet. And the card above the chat.

import { all, announce, atMost, body, find, says } from "./page.js";

const FOLDED = "inbox.person-folded";
const CARD_FOLDED = "inbox.card-folded";
const hasRoom = matchMedia("(min-width: 1360px)");
const isSmall = matchMedia("(max-width: 720px), (max-height: 599px)");

const kept = (what) => localStorage.getItem(what) === "1";
const keep = (what, folded) => (folded ? localStorage.setItem(what, "1") : localStorage.removeItem(what));

/** Whether the person is shown, for who uses a screen reader too. */
export function showPerson() {
  body.dataset.person = kept(FOLDED) ? "folded" : "open";
  const shown = hasRoom.matches ? !kept(FOLDED) : Boolean(find(".beside:popover-open"));
  for (const button of all("[data-person-opens]")) button.setAttribute("aria-expanded", shown);
}

export function togglePerson() {
  const person = find(".beside");
  if (!person || closeSheet()) return;
  if (hasRoom.matches) keep(FOLDED, !kept(FOLDED));
  else {
    person.showPopover();
    person.focus();
  }
  showPerson();
}

/** Close the sheet, and go back to where it was opened from. Returns whether it was open. */
export function closeSheet() {
  const sheet = find(".beside:popover-open");
  if (!sheet) return false;
  sheet.hidePopover();
  find(".head [data-person-opens]").focus();
  showPerson();
  return true;
}

/** While the bot has the conversation it learns more: what is shown is asked for anew, now and then. */
export const refreshPerson = atMost(5000, () => {
  const place = find(".beside [hx-get]");
  if (!find(".silence.speaks") || !place?.children.length || !place.offsetParent) return;
  htmx.ajax("GET", place.getAttribute("hx-get"), { source: place, target: place, swap: "innerMorph", headers: { "X-By-Itself": "1" } });
});

/** Copy what a button names; where the browser does not allow it, select it instead. */
export async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copies);
    announce(says("copied"));
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
  }
}

/** A card that has arrived: closed where there is no room, or where the agent keeps it so. */
export function showCard(place) {
  const card = find("[data-brief]", place);
  if (card) card.open = !(isSmall.matches || kept(CARD_FOLDED));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest(".beside, [data-person-opens]")) closeSheet();
  if (event.target.closest("[data-brief] > summary")) keep(CARD_FOLDED, find("[data-brief]").open); // it is about to change
});

hasRoom.addEventListener("change", () => {
  closeSheet();
  showPerson();
});

addEventListener("storage", showPerson);
