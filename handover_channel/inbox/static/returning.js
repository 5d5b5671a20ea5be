// The dialog of a return: with what the bot went on last stands on top, and Ctrl Enter returns.

import { all, find } from "./page.js";

const LAST = "inbox.topic";

/** Put what this agent chose last behind the first choice, which is none. */
export function sortTopics() {
  const topics = find("#return .topics");
  const last = all("[data-topic]", topics ?? document).find((each) => each.dataset.topic === localStorage.getItem(LAST));
  if (topics && last) find("[value='']", topics).closest("label").after(last);
}

/** What was returned just now is what stands on top next time. */
export function rememberTopic(form) {
  const topic = new FormData(form).get("intent");
  if (form.closest("#return") && topic) localStorage.setItem(LAST, topic);
}

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("#return form");
  if (!form || event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
});
