// Plays a scenario step by step with the bot that runs: the steps are done by the server, as `handover test` does.

import { call } from "./api.js";
import { $, fillSelect, make } from "./dom.js";
import { view } from "./view.js";

const PAUSE = 700; // ms between two steps, so that one can follow

let all = [];
let run = null; // {id, psid, done, failed, over}
let playing = false;
let busy = false;

// `show` shows a person, `open` opens the tab.
export async function readScenarios({ show, open }) {
  ({ scenarios: all } = await call("scenarios"));
  $("tab-scenarios").hidden = !all.length;
  if (!all.length) return;
  const asked = all.some((one) => one.id === view.scenario) ? view.scenario : null;
  fillSelect($("scenario"), all.map((one) => [one.id, one.name]), asked ?? all[0].id);
  if (asked) open();
  choose();
  $("scenario-step").addEventListener("click", () => step(show));
  $("scenario-play").addEventListener("click", () => (playing ? pause() : play(show)));
}

$("scenario").addEventListener("change", choose);
$("scenario-again").addEventListener("click", choose);

function choose() {
  playing = false;
  run = null;
  say("", "");
  $("scenario-link").href = `/?scenario=${encodeURIComponent($("scenario").value)}`;
  draw();
}

const chosen = () => all.find((one) => one.id === $("scenario").value);

function draw() {
  const { steps } = chosen();
  const done = run?.done ?? 0;
  const rows = steps.map((text, index) => {
    const state = index < done ? "done" : run?.failed && index === done ? "failed" : busy && index === done ? "doing" : "";
    return make("li", { class: state, "aria-current": index === done ? "step" : undefined }, make("code", { dir: "auto" }, text));
  });
  $("steps").replaceChildren(...rows);
  $("steps").children[Math.min(done, steps.length - 1)]?.scrollIntoView({ block: "nearest" });
  const over = Boolean(run?.over || run?.failed);
  $("scenario-play").textContent = playing && !over ? "Pause" : "Play";
  $("scenario-play").disabled = over;
  $("scenario-step").disabled = over || playing || busy;
}

function say(sentence, how) {
  $("scenario-said").textContent = sentence;
  $("scenario-said").className = `verdict ${how}`;
}

async function step(show) {
  if (busy) return;
  busy = true;
  const id = chosen().id;
  try {
    if (!run) await begin(id, show);
    draw();
    if (!run.over) {
      const before = run.psid;
      Object.assign(run, await call("scenarios/step", {}));
      if (run.psid !== before) await show(run.psid); // the person has gone to another page
    }
    if (run.failed) say(run.said, "bad");
    else if (run.over && !run.skipped) say("All as it should be.", "good");
  } catch (refused) {
    run = { ...run, failed: true };
    say(refused.message, "bad");
  }
  busy = false;
  if (chosen().id !== id) run = null; // another one was chosen meanwhile
  draw();
}

async function begin(id, show) {
  const { psid, skipped } = await call("scenarios/begin", { scenario: id });
  run = { id, psid, done: 0, failed: false, over: Boolean(skipped), skipped };
  if (skipped) return say(`It cannot be played: ${skipped}`, "bad");
  await show(psid);
}

async function play(show) {
  playing = true;
  draw();
  while (playing && !run?.over && !run?.failed) {
    await step(show);
    if (playing) await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  pause();
}

function pause() {
  playing = false;
  draw();
}
