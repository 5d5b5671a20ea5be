// What tells an agent who looks elsewhere: the title's counter, a sound, a notification of the browser.

import { all, body, find, says, thread } from "./page.js";

let known = null; // thread -> time of what is unread in it, null: not looked yet
let waiting = 0;
let address = ""; // what the list shows
let audio = null;

/** Look at the list as it now is, and tell what is new in it. */
export function notice() {
  const list = find("#list");
  if (!list) return;
  const before = { known, waiting };
  waiting = Number(list.dataset.waiting);
  const unread = all(".item.unread", list).filter((item) => item.dataset.author !== "agent");
  known = new Map(unread.map((item) => [item.dataset.thread, Number(item.dataset.at)]));
  title();
  // Another list is not news.
  const same = before.known && address === list.dataset.shows;
  address = list.dataset.shows;
  if (!same) return;
  const fresh = unread.filter((item) => !(before.known.get(item.dataset.thread) >= Number(item.dataset.at)) && !isLookedAt(item));
  if (fresh.length) tell(fresh[0]);
  else if (waiting > before.waiting && !document.hasFocus()) tell(null);
}

export function title() {
  const name = thread() && find("#thread-name")?.textContent.trim();
  const text = name ? `${name} · ${body.dataset.title}` : body.dataset.title;
  document.title = waiting ? `(${waiting}) ${text}` : text;
}

const isLookedAt = (item) => item.dataset.thread === thread()?.dataset.thread && document.hasFocus();

function tell(item) {
  if (body.dataset.sound === "1") beep();
  if (body.dataset.notifications !== "1" || document.hasFocus()) return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const name = item ? find(".item-name", item).textContent : body.dataset.title;
  const shown = new Notification(name, {
    body: item ? find(".preview-text", item).textContent : says("waiting"),
    tag: item?.dataset.thread ?? "waiting",
    dir: document.documentElement.dir,
    lang: document.documentElement.lang,
  });
  shown.onclick = () => {
    window.focus();
    item && find(`.item[data-thread="${CSS.escape(item.dataset.thread)}"]`)?.click();
    shown.close();
  };
}

/** Two short tones. Browsers allow them once somebody has clicked or typed in the page. */
function beep() {
  if (navigator.userActivation?.hasBeenActive === false) return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  for (const [after, pitch] of [[0, 660], [0.13, 880]]) {
    const start = audio.currentTime + after;
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + 0.14);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.15);
  }
}
