// Draws a thread: as the person sees it (`mine` is "person"), or as an app does (`mine` is "page").

import { clock, make, webAddress } from "./dom.js";

const drawn = new WeakMap();

export function drawChat(container, entries, view) {
  const key = JSON.stringify([view.key, entries, view.typing]);
  if (drawn.get(container) === key) return;
  drawn.set(container, key);
  const atEnd = container.scrollHeight - container.scrollTop - container.clientHeight < 80;
  const rows = entries.map((entry) => drawEntry(entry, view)).filter(Boolean);
  if (!rows.length) rows.push(make("p", { class: "empty" }, view.empty));
  if (view.typing) rows.push(make("div", { class: "bubble theirs typing", role: "img", "aria-label": "typing" }, make("i"), make("i"), make("i")));
  container.replaceChildren(...rows);
  if (!atEnd && !view.fresh) return;
  const toEnd = () => (container.scrollTop = container.scrollHeight);
  toEnd();
  for (const picture of container.querySelectorAll("img")) picture.addEventListener("load", toEnd, { once: true });
}

function drawEntry(entry, view) {
  const draw = { message: drawMessage, postback: drawPostback, control: drawControl }[entry.kind] ?? drawOther;
  return draw(entry, view);
}

function side(entry, view) {
  return (entry.author === "person") === (view.mine === "person") ? "mine" : "theirs";
}

function row(entry, view, ...content) {
  const app = entry.persona ?? view.name(entry.author);
  const who = entry.author === "person" ? (view.mine === "person" ? "" : view.person) : app;
  const channel = view.app && entry.seen ? (entry.seen[view.app] ?? "not sent to this app") : "";
  const caption = make("div", { class: "caption" }, who && make("span", { dir: "auto" }, who), make("time", {}, clock(entry.at)));
  if (channel) caption.append(make("span", { class: `channel ${channel === "messaging" ? "on" : ""}` }, channel));
  return make("div", { class: `row ${side(entry, view)}` }, ...content, caption);
}

function drawMessage(entry, view) {
  const { text, attachment, attachments, quick_reply: chosen } = entry.message;
  const parts = [];
  if (text) parts.push(make("div", { class: "bubble", dir: "auto" }, text));
  for (const one of attachments ?? (attachment ? [attachment] : [])) parts.push(drawAttachment(one, entry, view));
  if (chosen && view.mine !== "person") parts.push(make("code", { class: "payload", dir: "ltr" }, chosen.payload));
  return row(entry, view, ...parts);
}

function drawPostback(entry, view) {
  const visible = view.app && entry.seen?.[view.app] === "messaging";
  return row(
    entry,
    view,
    make("div", { class: "bubble tapped", dir: "auto" }, entry.title),
    visible ? make("code", { class: "payload", dir: "ltr" }, entry.payload) : null,
  );
}

const CONTROL = { pass: "passed control", take: "took control", request: "asked for control and got it", release: "released control", step_in: "took control", extend: "extended control", lapse: "lost control: it ran out" };

function drawControl(entry, view) {
  if (view.mine === "person") return null;
  const to = entry.action === "pass" ? ` to ${view.name(entry.owner)}` : "";
  return make("div", { class: "divider" }, make("span", { dir: "auto" }, `${view.name(entry.by)} ${CONTROL[entry.action] ?? entry.action}${to}`));
}

function drawOther(entry, view) {
  const what = { referral: "came back by a link", optin: "opted in", reaction: `reacted ${entry.reaction?.emoji ?? ""}` }[entry.kind] ?? entry.kind;
  return make("div", { class: "divider" }, make("span", { dir: "auto" }, `${view.mine === "person" ? "You" : view.person} ${what}`));
}

// --- attachments and templates ---------------------------------------------------------------------

function drawAttachment({ type, payload = {} }, entry, view) {
  if (type === "template") return drawTemplate(payload, entry, view);
  const address = webAddress(payload.url ?? "");
  if (payload.coordinates) return make("div", { class: "bubble" }, `📍 ${payload.coordinates.lat}, ${payload.coordinates.long}`);
  if (!address) return make("div", { class: "bubble" }, `📎 ${type}`);
  if (["image", "sticker"].includes(type)) return make("img", { class: "picture", src: address, alt: `Picture: ${address}`});
  if (["audio", "video"].includes(type)) return make(type, { class: "picture", src: address, controls: true, preload: "metadata" });
  const name = decodeURIComponent(address.split("/").pop() || address);
  return make("div", { class: "bubble" }, make("a", { href: address, target: "_blank", rel: "noreferrer noopener" }, `📎 ${name}`));
}

function drawTemplate(payload, entry, view) {
  let place = 0; // of a postback button among all of the message: what the person "taps"
  const buttons = (given) =>
    (given ?? []).map((button) => drawButton(button, button.type === "postback" ? place++ : -1, entry, view));
  if (payload.template_type === "button") {
    return make("div", { class: "card" }, make("div", { class: "card-text", dir: "auto" }, payload.text), ...buttons(payload.buttons));
  }
  if (payload.elements) {
    const cards = payload.elements.map((element) => {
      const picture = webAddress(element.image_url ?? "");
      return make(
        "div",
        { class: "card" },
        picture && element.image_url ? make("img", { src: picture, alt: ""}) : null,
        make("div", { class: "card-text", dir: "auto" }, make("strong", {}, element.title ?? ""), element.subtitle ? make("div", { class: "quiet" }, element.subtitle) : null),
        ...buttons(element.buttons),
      );
    });
    return make("div", { class: "cards", tabindex: "0" }, ...cards);
  }
  return make("div", { class: "bubble" }, `▤ ${payload.template_type ?? "template"}`);
}

function drawButton(button, index, entry, view) {
  const title = button.title ?? button.type;
  if (button.type === "web_url") {
    const address = webAddress(button.url ?? "");
    return make("a", { class: "card-button", href: address ?? undefined, target: "_blank", rel: "noreferrer noopener", dir: "auto" }, `${title} ↗`);
  }
  const tappable = view.tap && index >= 0;
  return make("button", { type: "button", class: "card-button", dir: "auto", disabled: !tappable, onclick: () => tappable && view.tap(entry.mid, index) }, title);
}
