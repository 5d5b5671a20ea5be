// Pictures, voices and films that cannot be shown: a card with the file's name takes their place, for as long as the
// page is open. What is still there (a drawing in SVG, which is never shown) can be fetched from the card.

import { all, find } from "./page.js";

const MEDIA = ".bubble img[src], .bubble audio[src], .bubble video[src]";

const missing = new Map(); // address -> whether the file is still there

/** Put cards in place of what is known to be missing in *root*. */
export function showMissing(root) {
  for (const media of all(MEDIA, root)) if (missing.has(address(media))) replace(media);
}

const address = (media) => media.getAttribute("src");

/** The name of the file: the end of the address where Meta has it, else what stands for the picture. */
function nameOf(media) {
  const of = new URL(address(media), location.href).searchParams.get("of");
  const name = of && URL.canParse(of) ? new URL(of).pathname.split("/").pop() : "";
  return name.includes(".") ? decoded(name) : media.getAttribute("alt") || media.getAttribute("aria-label") || name;
}

/** As it was written, unless it is no writing: "50%off.png". */
function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function replace(media) {
  const card = find("#missing-file").content.firstElementChild.cloneNode(true);
  const isThere = missing.get(address(media));
  find("[data-gone]", card).hidden = isThere;
  const link = find("a", card);
  link.hidden = !isThere;
  link.href = address(media);
  for (const name of all("bdi", card)) name.textContent = nameOf(media);
  find("[data-name]", card).hidden = isThere;
  (media.closest("a.shown") ?? media).replaceWith(card);
}

async function note(media) {
  const at = address(media);
  if (!missing.has(at)) {
    const response = await fetch(at).catch(() => null);
    if (!response) return; // no connection: it is asked for again with the page
    response.body?.cancel();
    missing.set(at, response.ok);
  }
  if (media.isConnected) replace(media);
}

document.addEventListener("error", (event) => event.target.matches?.(MEDIA) && note(event.target), { capture: true });

/** What has failed before this script heard of it. */
for (const picture of all(".bubble img[src]")) if (picture.complete && !picture.naturalWidth && picture.loading !== "lazy") note(picture);
