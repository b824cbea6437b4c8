// Where a person writes: text, commands, replies, files, and the bot's reply keyboard.

import { looksOf, press } from "./buttons.js";
import { button, h, icon, iconButton, part } from "./dom.js";
import { sendFiles } from "./files.js";
import { summary } from "./message.js";
import { act, chatHere, emit, messagesHere, nameOf, on, request, state } from "./state.js";
import { openWebApp } from "./web_app.js";

const form = part("#composer");
const input = /** @type {HTMLTextAreaElement} */ (part("#message"));
const context = part("#composer-context");
const suggestions = part("#suggestions");
const keyboard = part("#reply-keyboard");
const speaker = part("#speaker");
const blocked = part("#blocked");
const menuButton = part("#menu-button");
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

/** Edit the newest text that the person on screen has sent here. */
function editLast() {
  const isOwn = (message) => message.from?.id === state.here.user && (message.text ?? message.caption);
  const message = messagesHere().findLast((each) => isOwn(each));
  if (message) emit("rewrite", message);
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
  } else if (event.key === "ArrowUp" && !input.value) editLast();
  else if (found.length && event.key === "Tab") setText(`/${found[chosen].command}`);
  else if (event.key === "Escape") {
    setText(found.length ? "" : input.value);
    setContext(null, null);
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    send(found.length ? `/${found[chosen].command}` : input.value);
  } else return;
  event.preventDefault();
});

// Letters that are typed elsewhere, after a tap for instance, belong into the box. A few are shortcuts.
const TAKES_KEYS = "input, textarea, select, audio, video, [role=menu], dialog";
document.addEventListener("keydown", (event) => {
  const isText = event.key.length === 1 && !/[\s?]/.test(event.key);
  if (!isText || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.activeElement?.closest(TAKES_KEYS) || document.querySelector("dialog[open]")) return;
  input.focus();
});

/** Give the box the focus where there are keys to write with: else it would open a keyboard on screen. */
function readyToWrite() {
  const isChoosing = document.activeElement?.tagName === "SELECT";
  if (matchMedia("(hover: hover)").matches && !isChoosing) input.focus();
}
on("look", readyToWrite);

part("#commands").addEventListener("click", () => {
  setText(input.value === "/" ? "" : "/");
  input.focus();
});

file.addEventListener("change", async () => {
  await sendFiles([...(file.files ?? [])]);
  file.value = "";
});

// The reply keyboard, who speaks, and whether the bot is blocked.

function drawKeyboard() {
  const chat = chatHere();
  const rows = chat?.keyboard?.keyboard ?? [];
  keyboard.hidden = !rows.length;
  const tap = (data, element) => {
    press(data, element);
    if (!document.querySelector("dialog[open], .menu")) readyToWrite();
  };
  const key = (data) =>
    button(".key", h("bdi", data.text), ({ currentTarget }) => tap(data, currentTarget), looksOf(data));
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
  const app = chat.menu_button;
  menuButton.hidden = !app;
  menuButton.textContent = app?.text ?? "";
  menuButton.onclick = () => openWebApp(app.text, app.web_app.url, true);
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

// Text that is not sent yet stays with its person and chat.
const unsent = new Map();
let place = "";

function keepText() {
  unsent.set(place, rewriting ? "" : input.value);
  place = Object.values(state.here).join(" ");
  replyTo = rewriting = null;
  setText(unsent.get(place) ?? "");
}

on("here", () => {
  keepText();
  setContext(null, null);
  drawPlace();
  drawSuggestions();
});
on("people", drawPlace);
on("chat", (chat) => {
  if (chat.id === state.here.chat) drawPlace();
  drawSuggestions();
});
on("write", (text) => {
  setContext(null, null);
  setText(text);
  readyToWrite();
});
on("reply", (message) => setContext(message, null));
on("rewrite", (message) => {
  setContext(null, message);
  setText(message.text ?? message.caption);
});
