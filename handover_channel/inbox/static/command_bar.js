// The command bar (Ctrl or Cmd with K): every button of the page that can be pressed now, by its name, and
// conversations that the server finds. A combobox with a list of options, as ARIA has it:
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

import { press } from "./keyboard.js";
import { all, find } from "./page.js";

const PATIENCE = 250; // milliseconds without a letter before the server is asked

const bar = () => find("#commands");
const field = () => find("#commands-text");
const acts = () => find("#commands-acts");
const found = () => find("#commands-found");
const shown = () => all("[role=option]:not([hidden])", bar());

/** Letters as they are compared: no case, no marks, one form of each Arabic letter. */
const folded = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[أإآٱ]/g, "ا").replace(/ى/g, "ي").replace(/ة/g, "ه").toLocaleLowerCase();

const words = (text) => text.replace(/\s+/g, " ").trim();

let buttons = new Map(); // option -> what it presses
let wanted = 0;

export function openCommands() {
  for (const menu of all("details.menu[open]")) menu.open = false;
  field().value = "";
  found().replaceChildren();
  list();
  narrow();
  bar().showModal();
  field().focus();
}

/** What can be pressed now: what has a name (data-does), and all in menus; of the conversation first. */
function possible() {
  const given = ["#thread ", "main > .side "].flatMap((place) => all(`${place}:is([data-does], [data-commands] :is(a, button))`));
  return given.filter((each) => !each.disabled && !each.matches("[data-does=commands]") && !each.closest("dialog"));
}

function nameOf(element) {
  const shown = element.cloneNode(true);
  for (const hidden of all("[aria-hidden=true], .count", shown)) hidden.remove();
  const text = words(element.getAttribute("aria-label") || element.labels?.[0]?.textContent || shown.textContent || element.title);
  const menu = element.closest("[data-commands]")?.dataset.commands;
  return menu ? `${menu}: ${text}` : text;
}

function list() {
  buttons = new Map();
  for (const element of possible()) {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    option.id = `command-${buttons.size}`;
    const name = document.createElement("bdi");
    name.textContent = nameOf(element);
    option.append(name);
    const key = element.dataset.does && find(`#shortcuts [data-names="${element.dataset.does}"]`);
    if (key) option.append(key.cloneNode(true));
    buttons.set(option, element);
  }
  acts().replaceChildren(...buttons.keys());
}

function narrow() {
  const given = folded(words(field().value)).split(" ");
  for (const option of buttons.keys()) {
    const name = folded(find("bdi", option).textContent);
    option.hidden = !given.every((word) => name.includes(word));
  }
  settleCommands();
}

/** What is found has arrived, or another letter was typed. */
export function settleCommands() {
  for (const group of [acts(), found()]) group.hidden = !find("[role=option]:not([hidden])", group);
  const some = shown().length > 0;
  find("#commands-none").hidden = some;
  find("#commands-list").hidden = !some;
  field().setAttribute("aria-expanded", String(some));
  choose(shown().find((option) => option.id === field().getAttribute("aria-activedescendant")) ?? shown()[0]);
}

function choose(option) {
  for (const each of all("[role=option]", bar())) each.setAttribute("aria-selected", String(each === option));
  if (!option) return field().removeAttribute("aria-activedescendant");
  field().setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function search() {
  const text = words(field().value);
  const number = ++wanted;
  found().replaceChildren(); // what was found is not what is looked for now
  if (!text) return;
  setTimeout(() => {
    if (number !== wanted || !bar().open) return;
    const address = `${found().dataset.finds}?${new URLSearchParams({ search: text })}`;
    htmx.ajax("GET", address, { source: found(), target: found(), swap: "innerHTML" });
  }, PATIENCE);
}

/** Whether an answer is to what stands in the field now. */
export const isWanted = (address) => new URL(address, location.href).searchParams.get("search") === words(field().value);

/** Do what was chosen: the focus goes back first, so that what is done decides where it goes next. */
function take(option) {
  const button = buttons.get(option);
  bar().close();
  if (button?.isConnected) press(button);
}

document.addEventListener("input", (event) => {
  if (event.target !== field()) return;
  search();
  narrow();
});

document.addEventListener("keydown", (event) => {
  if (event.target !== field() || event.isComposing) return;
  const options = shown();
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") choose(options[(at + 1) % options.length]);
  else if (event.key === "ArrowUp") choose(options[(at - 1 + options.length) % options.length]);
  else if (event.key === "Enter" && options[at]) options[at].click();
  else if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) bar().close();
  else if (event.key !== "Enter" && event.key !== "Escape") return;
  if (event.key === "Escape") bar().close(); // a search field would be emptied first
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const option = event.target.closest?.("#commands [role=option]");
  if (option) take(option); // of a conversation that was found, the option itself asks the server
});
