// The settings page: what a page owner clicks at Meta. Buttons are named as the guides name them.

import { call, follow, refused } from "./api.js";
import { $, make } from "./dom.js";
import { choosePage, drawPages, ofPage } from "./pages.js";

const NOWHERE = "No default app";

let state = null;
const bot = () => state.apps.find((one) => one.bot);

follow(look);

async function look() {
  state = await ofPage("settings");
  draw();
}

$("which-page").addEventListener("change", async (event) => {
  choosePage(event.target.value);
  $("subscriptions").hidden = true;
  $("token").textContent = "";
  await look();
});

function draw() {
  $("page-name").textContent = state.page.name;
  $("page-name").hidden = state.pages.length > 1;
  drawPages($("which-page"), state);
  $("called").textContent = bot().callback || "nobody";
  $("human-agent").textContent = bot().human_agent ? "approved" : "not approved";
  $("subscribed").textContent = bot().page_fields.length ? `Subscribed: ${bot().page_fields.join(", ")}` : "No subscription.";
  drawChoices($("scopes"), state.scopes, bot().token.scopes);
  drawAppFields();
  if ($("subscriptions").hidden) drawChoices($("page-fields"), state.fields, bot().page_fields);
  const connected = state.apps.filter((one) => one.connected);
  drawDefaultApp([...connected.map((one) => [one.id, one.name]), ["", NOWHERE]], state.default_app ?? "");
  $("automatic-reply").value = state.automatic_reply;
  $("published").checked = state.published;
  $("restricted").checked = state.restricted;
  drawApps();
}

// Once drawn it is the person's, until what there is to choose from changes.
function drawChoices(place, names, chosen) {
  const key = JSON.stringify([names, chosen]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...names.map((name) =>
    make("label", {}, make("input", { type: "checkbox", name, checked: chosen.includes(name) }), name)));
}

// The same: what was chosen and not yet saved stays chosen.
function drawDefaultApp(options, chosen) {
  $("default-now").textContent = options.find(([value]) => value === chosen)?.[1] ?? chosen;
  const key = JSON.stringify([options, chosen]);
  if ($("default-app").dataset.key === key) return;
  $("default-app").dataset.key = key;
  $("default-app").replaceChildren(...options.map(([value, label]) => make("option", { value }, label)));
  $("default-app").value = chosen;
}

const chosenIn = (place) => [...place.querySelectorAll("input:checked")].map((one) => one.name);

function drawAppFields() {
  const key = JSON.stringify(bot().fields);
  if ($("app-fields").dataset.key === key) return;
  $("app-fields").dataset.key = key;
  const focused = document.activeElement?.dataset?.field;
  $("app-fields").replaceChildren(...state.fields.map((name) => {
    const on = bot().fields.includes(name);
    const fields = on ? bot().fields.filter((one) => one !== name) : [...bot().fields, name];
    return make("div", { class: "field" },
      make("button", { type: "button", "data-field": name, "aria-label": `${on ? "Unsubscribe" : "Subscribe"} ${name}`, onclick: () => change(bot(), { fields }) },
        on ? "Unsubscribe" : "Subscribe"),
      name);
  }));
  if (focused) $("app-fields").querySelector(`[data-field="${focused}"]`).focus();
}

function drawApps() {
  const key = JSON.stringify(state.apps.map((one) => [one.id, one.connected, one.may_take]));
  if ($("apps").dataset.key === key) return;
  $("apps").dataset.key = key;
  $("apps").replaceChildren(...state.apps.filter((one) => !one.inbox).map((one) =>
    make("div", { class: "app", role: "group", "aria-label": one.name },
      make("strong", {}, one.name),
      make("span", { class: "quiet" }, one.id),
      make("label", { class: "check" },
        make("input", { type: "checkbox", checked: one.may_take, onchange: (event) => change(one, { may_take: event.target.checked }) }),
        "Allow this app to take control of conversations"),
      one.bot ? null : make("button", { type: "button", onclick: () => change(one, { connected: !one.connected }) }, one.connected ? "Remove" : "Connect"))));
}

async function ask(path, body) {
  const said = await refused(path, { page: state.page.id, ...body });
  tell(said);
}

function tell(said) {
  $("refusal").hidden = !said;
  $("refusal").textContent = said ?? "";
}

const change = (one, body) => ask("app_settings", { app: one.id, ...body });

$("from-nothing").addEventListener("click", async () => tell(await refused("from_nothing", {})));
$("generate").addEventListener("click", async () => {
  $("token").textContent = (await call("token", { page: state.page.id, app: bot().id, scopes: chosenIn($("scopes")) })).token;
});
$("webhook").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("webhook", { app: bot().id, callback_url: $("callback").value, verify_token: $("verify").value });
});
$("add-subscriptions").addEventListener("click", () => { $("subscriptions").hidden = false; });
$("subscriptions").addEventListener("submit", async (event) => {
  event.preventDefault();
  await change(bot(), { page_fields: chosenIn($("page-fields")) });
  $("subscriptions").hidden = true;
});
$("ask-human-agent").addEventListener("click", () => change(bot(), { human_agent: true }));
$("routing-form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("settings", { default_app: $("default-app").value || null });
});
$("automatic-reply").addEventListener("change", (event) => ask("settings", { automatic_reply: event.target.value }));
$("published").addEventListener("change", (event) => ask("settings", { published: event.target.checked }));
$("restricted").addEventListener("change", (event) => ask("settings", { restricted: event.target.checked }));
