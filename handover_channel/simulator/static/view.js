// What is looked at: the state of the server, the chosen person and app, and what is drafted.

const asked = new URLSearchParams(location.search);

export const BUILT_IN = "built-in inbox"; // of the bot: no app of Meta's

export const view = {
  state: null,
  psid: asked.get("psid") ?? localStorage.getItem("psid"),
  app: asked.get("app") ?? localStorage.getItem("app"),
  scenario: asked.get("scenario"),
  fresh: true, // another chat than before: it is shown from its end
};

export const app = (id) => view.state.apps.find((one) => one.id === id);
export const bot = () => view.state.apps.find((one) => one.bot);
export const thread = () => view.state.threads.find((one) => one.psid === view.psid) ?? view.state.threads[0];

// Meta knows apps, not who answers for them: whether the bot or an agent has a thread, a bot that can be asked says.
export const appName = (id) => (app(id)?.bot ? "our app" : app(id)?.name) ?? id;

// What a form holds when another person or app is chosen stays theirs.
const drafts = new Map();

export function keepDraft(input, owner) {
  if (input.dataset.owner === owner) return;
  drafts.set(input.dataset.owner, input.value);
  input.dataset.owner = owner;
  input.value = drafts.get(owner) ?? "";
}
