// Moves Meta's clock, and orders what shall go wrong.

import { call } from "./api.js";
import { $, ago, fillSelect, make, when } from "./dom.js";
import { appName, view } from "./view.js";

let known = {};

export async function readFaults() {
  ({ known } = await call("faults"));
  if (view.state) drawFaults();
  fillSelect($("fault"), Object.entries(known).map(([name, { where }]) => [name, `${name} (${where})`]), "duplicate");
  describe();
}

const describe = () => ($("fault-does").textContent = (known[$("fault").value]?.does ?? "").replaceAll("`", ""));
$("fault").addEventListener("change", describe);

export function drawFaults() {
  const { now, ahead, faults } = view.state;
  $("now").textContent = when(now);
  $("ahead").textContent = ahead >= 60 ? `, ${ago(ahead)} ahead of this machine` : "";
  const key = JSON.stringify([faults, Object.keys(known).length]);
  if ($("ordered").dataset.key === key) return;
  $("ordered").dataset.key = key;
  const items = faults.map((fault) => make("li", {},
    make("code", { class: "grow" }, fault.name),
    make("span", { class: "quiet" }, [fault.event || fault.call, known[fault.name]?.where === "person's act" ? `by ${appName(fault.by)}` : appName(fault.app), fault.count === null ? "until removed" : fault.count > 1 ? `${fault.count} times` : "once"].filter(Boolean).join(" · ")),
    make("button", { type: "button", class: "plain", "aria-label": `Remove ${fault.name}`, onclick: () => call(`faults/${fault.number}`, null, "DELETE") }, "Remove")));
  $("ordered").replaceChildren(...items);
}

$("fault-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const count = $("fault-count").value;
  await said($("fault-refusal"), () => call("fault", { name: $("fault").value, count: count ? Number(count) : null }));
});

async function said(place, order) {
  try {
    await order();
    place.textContent = "";
  } catch (refused) {
    place.textContent = refused.message;
  }
  place.hidden = !place.textContent;
}

async function move(by) {
  $("time-said").textContent = "…";
  try {
    const { happened, moved } = await call("advance", { by, how: $("time-how").value });
    const what = happened.length ? `Happened: ${happened.join("; ")}.` : "Nothing was due at Meta.";
    $("time-said").textContent = `${what} Moved: ${moved}.`;
  } catch (refused) {
    $("time-said").textContent = refused.message;
  }
}

$("time-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("time-by").value.trim()) move($("time-by").value);
});
for (const button of document.querySelectorAll("[data-by]")) button.addEventListener("click", () => move(button.dataset.by));
