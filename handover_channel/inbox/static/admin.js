// The pages for admins work without this: it writes the times of the browser's place, and copies.

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
