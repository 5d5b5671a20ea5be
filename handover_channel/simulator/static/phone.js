// The person's phone: what they see, write, tap and send.

import { refused, upload } from "./api.js";
import { drawChat } from "./chat.js";
import { $, fillSelect, make, when } from "./dom.js";
import { appName, keepDraft, thread, view } from "./view.js";

const PICTURE = new URL("/simulator/page/picture.png", location.href).href;

export function drawPhone() {
  const { state, psid, fresh } = view;
  const { name, chat, typing } = thread();
  fillSelect($("person"), state.threads.map((one) => [one.psid, one.name]), psid);
  $("person-id").textContent = `PSID ${thread().psid}`;
  $("person-avatar").textContent = [...name][0];
  $("page-avatar").textContent = [...state.page.name][0];
  $("page-name").textContent = state.page.name;
  $("page-name").hidden = state.pages.length > 1; // its chooser says it
  $("phone-time").textContent = `Messenger · ${when(state.now)}`;
  keepDraft($("person-text"), psid);
  const empty = `Say hello to ${state.page.name}.`;
  drawChat($("person-chat"), chat, { key: psid, mine: "person", name: appName, typing, tap, fresh, empty });
  drawQuickReplies(chat);
  look();
}

// Whoever has the chat before their eyes has read it.
function look() {
  if (view.state && thread().unread && document.visibilityState === "visible") act("read");
}
document.addEventListener("visibilitychange", look);

function drawQuickReplies(chat) {
  const last = chat.filter((entry) => entry.kind !== "control").at(-1);
  const offered = last?.author !== "person" ? (last?.message?.quick_replies ?? []) : [];
  const pills = offered.map((one, index) =>
    make("button", { type: "button", dir: "auto", onclick: () => act("choose", { mid: last.mid, index }) }, one.title ?? one.content_type));
  const key = JSON.stringify([last?.mid, offered]);
  if ($("quick-replies").dataset.key === key) return;
  $("quick-replies").dataset.key = key;
  $("quick-replies").replaceChildren(...pills);
}

export const act = (what, more = {}) => refused(what, { person: view.psid, ...more });
const tap = (mid, index) => act("tap", { mid, index });

$("person-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("person-text").value;
  if (!text.trim()) return;
  $("person-text").value = "";
  act("say", { text });
});

const ATTACH = {
  picture: () => act("send", { type: "image", url: PICTURE }),
  location: () => act("send", { type: "location", payload: { coordinates: { lat: 36.8065, long: 10.1815 } } }),
  file: () => $("file").click(),
  "get-started": () => act("tap_menu", { payload: "/greet" }),
};

$("attach").addEventListener("click", (event) => {
  const chosen = event.target.dataset?.attach;
  if (!chosen) return;
  $("attach").open = false;
  ATTACH[chosen]();
});
$("attach").addEventListener("keydown", (event) => {
  if (event.key === "Escape") $("attach").open = false;
});
$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  if (!file) return;
  const kind = ["image", "audio", "video"].find((one) => file.type.startsWith(`${one}/`)) ?? "file";
  await act("send", { type: kind, url: await upload(file) });
  $("file").value = "";
});
