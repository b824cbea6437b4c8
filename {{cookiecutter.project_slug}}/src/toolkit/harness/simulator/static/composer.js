// Where a person writes: text, commands, replies, files, and the bot's reply keyboard.

import { button, h, icon, iconButton, part } from "./dom.js";
import { openMenu } from "./menu.js";
import { summary } from "./message.js";
import { act, chatHere, emit, nameOf, on, request, state } from "./state.js";

const form = part("#composer");
const input = /** @type {HTMLTextAreaElement} */ (part("#message"));
const context = part("#composer-context");
const suggestions = part("#suggestions");
const keyboard = part("#reply-keyboard");
const speaker = part("#speaker");
const blocked = part("#blocked");
const file = /** @type {HTMLInputElement} */ (part("#file"));

/** @type {import("./state.js").BotObject | null} */
let replyTo = null;
/** @type {import("./state.js").BotObject | null} */
let rewriting = null;
let chosen = 0;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(input.value);
});

async function send(text) {
  if (!text.trim()) return;
  const { thread } = state.here;
  const sent = rewriting
    ? act("rewrite", { message: rewriting.message_id, text })
    : act("say", { text, thread, reply: replyTo?.message_id ?? null });
  setText("");
  setContext(null, null);
  await sent;
}

function setText(text) {
  input.value = text;
  input.dispatchEvent(new Event("input"));
}

function setContext(reply, rewrite) {
  replyTo = reply;
  rewriting = rewrite;
  const message = reply ?? rewrite;
  context.hidden = !message;
  if (!message) return context.replaceChildren();
  const what = rewrite ? "Editing" : `Reply to ${message.from?.first_name ?? "the bot"}`;
  const cancel = () => {
    if (rewriting) setText("");
    setContext(null, null);
    input.focus();
  };
  context.replaceChildren(
    icon(rewrite ? "edit" : "reply"),
    h("span.card-text", h("strong", h("bdi", what)), h("span", { dir: "auto" }, summary(message))),
    iconButton("close", "Cancel", cancel),
  );
  input.focus();
}

// Commands: typing "/" offers those that fit, as does the button beside the box.

function matching() {
  const typed = /^\/(\w*)$/.exec(input.value)?.[1];
  if (typed === undefined) return [];
  return (chatHere()?.commands ?? []).filter(({ command }) => command.startsWith(typed.toLowerCase()));
}

function drawSuggestions() {
  const found = matching();
  chosen = Math.min(chosen, Math.max(found.length - 1, 0));
  suggestions.hidden = !found.length;
  suggestions.replaceChildren(...found.map(suggestion));
  if (found.length) input.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
  else input.removeAttribute("aria-activedescendant");
}

function suggestion({ command, description }, index) {
  const onpointerdown = (event) => {
    event.preventDefault();
    send(`/${command}`);
  };
  return h(
    "div.suggestion",
    { id: `suggestion-${index}`, role: "option", "aria-selected": String(index === chosen), onpointerdown },
    h("strong", `/${command}`),
    h("bdi", description),
  );
}

input.addEventListener("input", () => {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, 160)}px`;
  drawSuggestions();
});

input.addEventListener("keydown", (event) => {
  const found = matching();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (found.length && step) {
    chosen = (chosen + step + found.length) % found.length;
    drawSuggestions();
  } else if (found.length && event.key === "Tab") setText(`/${found[chosen].command}`);
  else if (event.key === "Escape") {
    setText(found.length ? "" : input.value);
    setContext(null, null);
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    send(found.length ? `/${found[chosen].command}` : input.value);
  } else return;
  event.preventDefault();
});

part("#commands").addEventListener("click", () => {
  setText(input.value === "/" ? "" : "/");
  input.focus();
});

// What is not text.

part("#attach").addEventListener("click", (event) => {
  openMenu(event.currentTarget, [
    ["Photo or file", () => file.click()],
    ["My contact", () => act("share", { what: "contact" })],
    ["A location", () => act("share", { what: "location" })],
  ]);
});

file.addEventListener("change", () => {
  for (const each of file.files ?? []) upload(each);
  file.value = "";
});

form.addEventListener("dragover", (event) => event.preventDefault());
form.addEventListener("drop", (event) => {
  event.preventDefault();
  for (const each of event.dataTransfer?.files ?? []) upload(each);
});

async function upload(each) {
  const { user, chat, thread } = state.here;
  const place = new URLSearchParams({
    user: `${user}`,
    chat: `${chat}`,
    thread: `${thread ?? ""}`,
    name: each.name,
  });
  const response = await fetch(`/files?${place}`, { method: "POST", body: each });
  if (response.ok) return;
  const isRefused = response.headers.get("Content-Type")?.startsWith("application/json");
  const text = isRefused ? (await response.json()).error : `${each.name} is too large.`;
  emit("toast", { text, bad: true });
}

// The reply keyboard, who speaks, and whether the bot is blocked.

function drawKeyboard() {
  const chat = chatHere();
  const rows = chat?.keyboard?.keyboard ?? [];
  keyboard.hidden = !rows.length;
  const press = (label) => act("press", { label });
  const key = ({ text }) => button(".key", h("bdi", text), () => press(text));
  keyboard.replaceChildren(...rows.map((row) => h("div.keys", ...row.map(key))));
  input.placeholder = chat?.keyboard?.input_field_placeholder ?? `Message as ${nameOf(state.here.user)}`;
}

function drawPlace() {
  const chat = chatHere();
  if (!chat) return;
  const isPrivate = chat.type === "private";
  speaker.hidden = isPrivate;
  const options = state.people.map(({ id, name }) =>
    h("option", { value: String(id), selected: id === state.here.user }, name),
  );
  const onchange = () =>
    emit("look", { chat: chat.id, user: Number(choose.value), thread: state.here.thread });
  const choose = h("select", { "aria-label": "Speak as", onchange }, options);
  speaker.replaceChildren("Speak as ", choose);
  const isBlocked = isPrivate && state.faults.blocked.includes(chat.id);
  blocked.hidden = !isBlocked;
  form.hidden = isBlocked;
  const unblock = () => request("fault", { name: "blocked", on: false, user: chat.id });
  blocked.replaceChildren(
    h("span", h("bdi", chat.name), " has blocked the bot."),
    button("", "Unblock", unblock),
  );
  drawKeyboard();
}

on("here", () => {
  setContext(null, null);
  drawPlace();
  drawSuggestions();
});
on("people", drawPlace);
on("chat", (chat) => {
  if (chat.id === state.here.chat) drawPlace();
  drawSuggestions();
});
on("reply", (message) => setContext(message, null));
on("rewrite", (message) => {
  setContext(null, message);
  setText(message.text);
});
