// The pages for admins work without this: it writes the times of the browser's place, copies, and asks for
// reports with the hours and days of that place.

import { all } from "./page.js";
import { localTimes } from "./times.js";

localTimes(document);

for (const button of all("[data-copies]")) {
  const field = document.querySelector(button.dataset.copies);
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.querySelector("span").textContent = button.dataset.says;
  });
}

const report = document.querySelector("[data-zone]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const address = new URL(window.location);
if (report && zone && zone !== report.dataset.zone && !address.searchParams.has("zone")) {
  address.searchParams.set("zone", zone);
  window.location.replace(address);
}
