// Times of the browser's place: the server writes UTC. Applied to what arrives before it is put into the
// page, so that nothing changes twice and nothing is read aloud again.

import { all } from "./page.js";

const { lang, dataset } = document.documentElement;
// The browser's own kind of the page's language: in Britain the clock has 24 hours, in the US 12.
const language = navigator.languages.find((each) => each === lang || each.startsWith(`${lang}-`)) ?? lang;
// What agents prefer; without it as their language has it. The calendar and the digits are those of the server.
const common = {
  calendar: "gregory",
  numberingSystem: "latn",
  ...({ 12: { hourCycle: "h12" }, 24: { hourCycle: "h23" } }[dataset.hours] ?? {}),
};
const format = (options) => new Intl.DateTimeFormat(language, { ...common, ...options });
// A clock of 24 hours has two digits from midnight on: 00:57, not 0:57.
const hour = format({ hour: "numeric" }).resolvedOptions().hourCycle === "h23" ? "2-digit" : "numeric";
const FORMATS = {
  time: format({ hour, minute: "2-digit" }),
  weekday: format({ weekday: "short", hour, minute: "2-digit" }),
  date: format({ day: "numeric", month: "short" }),
  year: format({ day: "numeric", month: "short", year: "numeric" }),
  day: format({ weekday: "long", day: "numeric", month: "long" }),
  full: format({ dateStyle: "full", timeStyle: "short" }),
};
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
const daysFromToday = (date) => Math.round((midnight(date) - midnight(new Date())) / 86400000);

function short(date) {
  const days = daysFromToday(date);
  if (days === 0) return FORMATS.time.format(date);
  if (Math.abs(days) < 7) return FORMATS.weekday.format(date);
  return (date.getFullYear() === new Date().getFullYear() ? FORMATS.date : FORMATS.year).format(date);
}

/** Write local time into each <time data-clock> of `root`. */
export function localTimes(root) {
  for (const time of all("time[data-clock]", root)) {
    const date = new Date(time.dateTime);
    time.textContent = time.dataset.clock === "time" ? FORMATS.time.format(date) : short(date);
    time.title = FORMATS.full.format(date);
  }
}

/** Put a line before the first entry of each day. Lines that are there already are put right. */
export function dayLines(entries) {
  for (const line of all(".day", entries)) line.remove();
  let before = "";
  for (const entry of [...entries.children]) {
    const time = entry.id.startsWith("e-") && entry.querySelector("time");
    if (!time) continue;
    const date = new Date(time.dateTime);
    const day = midnight(date).toDateString();
    if (day !== before) entry.before(dayLine(date));
    before = day;
  }
}

function dayLine(date) {
  const days = daysFromToday(date);
  const line = document.createElement("p");
  line.className = "day";
  line.id = `day-${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
  line.textContent = days === 0 || days === -1 ? relative.format(days, "day") : FORMATS.day.format(date);
  return line;
}
