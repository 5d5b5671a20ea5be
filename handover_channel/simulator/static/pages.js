// The pages of the simulator, where there are several: which one is looked at, here and in the settings.

import { call } from "./api.js";
import { fillSelect } from "./dom.js";

const asked = new URLSearchParams(location.search);
let chosen = asked.get("page") ?? localStorage.getItem("page");

export function choosePage(id) {
  chosen = id;
  if (id === null) localStorage.removeItem("page");
  else localStorage.setItem("page", id);
}

// Reads something of the chosen page; of the first one where that is not there any more, or none was chosen.
export async function ofPage(path) {
  if (chosen === null) return call(path);
  try {
    return await call(`${path}?page=${encodeURIComponent(chosen)}`);
  } catch (error) {
    const { pages } = await call(path);
    if (pages.some((one) => [one.id, one.name].includes(chosen))) throw error;
    choosePage(null);
    return call(path);
  }
}

// Reads everything that there is of a page, with the threads of that page alone: without a choice, of the page of
// a person. What was chosen while the answer was on its way is newer than it.
export async function snapshot(psid) {
  for (;;) {
    const wanted = chosen;
    const state = await ofPage("snapshot");
    if (chosen === null && state.pages.length > 1) choosePage(pageOf(psid, state));
    if (chosen === wanted) return state;
  }
}

const pageOf = (psid, { threads, page }) => threads.find((one) => one.psid === psid)?.page ?? page.id;

// Of a person who may be one of another page.
export async function choosePageOf(psid) {
  const state = await call("snapshot");
  if (state.pages.length > 1) choosePage(pageOf(psid, state));
}

// The chooser is there with several pages alone.
export function drawPages(select, { pages, page }) {
  select.hidden = pages.length < 2;
  fillSelect(select, pages.map((one) => [one.id, one.name]), page.id);
}
