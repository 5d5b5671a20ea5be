// Text from outside only ever becomes text: nothing here parses HTML.

export const $ = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function fillSelect(select, options, chosen) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options !== wanted) {
    select.dataset.options = wanted;
    select.replaceChildren(...options.map(([value, label]) => make("option", { value }, label)));
  }
  if (document.activeElement !== select || select.value === "") select.value = chosen;
}

// Only web addresses and our own uploads: a bot could send javascript: in a button.
export function webAddress(url) {
  try {
    const parsed = new URL(url, location.href);
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export const when = (seconds) => new Date(seconds * 1000).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// A length of time in words: "3 days", "5 hours", "40 min".
export function ago(seconds) {
  const [amount, unit] = seconds >= 47.5 * 3600 ? [seconds / 86400, "days"] : seconds >= 5400 ? [seconds / 3600, "hours"] : [seconds / 60, "min"];
  return `${Math.round(amount)} ${unit}`;
}

let fading = 0;

export function toast(sentence) {
  $("toast").textContent = sentence;
  $("toast").hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => ($("toast").hidden = true), 4000);
}
