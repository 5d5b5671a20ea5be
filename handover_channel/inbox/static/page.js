// What every part of the script needs to know of the page. The body stays the same element for good.

export const body = document.body;
export const base = body.dataset.base;

/** The text in the language of the page, as the template wrote it: says("offline"). */
export const says = (what) => body.dataset["says" + what[0].toUpperCase() + what.slice(1)] ?? "";

export const find = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** The open thread: its element, or null. */
export const thread = () => find("#thread");
export const threadId = () => thread()?.dataset.thread ?? "";

/** Letters that nobody guesses. crypto.randomUUID is missing where the page is not on https or localhost. */
export function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Say something to a screen reader, and to nobody else. */
export function announce(text) {
  find("#said").textContent = text;
}

/** Call `act` at once, and at most once in so many milliseconds after that; the last call is never lost. */
export function atMost(every, act) {
  let resting = false;
  let again = false;
  return function call() {
    if (resting) {
      again = true;
      return;
    }
    resting = true;
    act();
    setTimeout(() => {
      resting = false;
      if (again) {
        again = false;
        call();
      }
    }, every);
  };
}
