// What the keyboard does everywhere, and the list of it.

import { open, submit } from "./dialogs.js";
import { h, iconButton, part } from "./dom.js";
import { EDITORS, template } from "./editor.js";
import { toLatest } from "./latest.js";
import { remember, switchTheme } from "./settings.js";
import { emit, on, request, state } from "./state.js";

const message = part("#message");

/** Keys that are pressed together with Alt, by the key's place on the keyboard.
 *  @type {Record<string, [string, string, () => void]>} */
const WITH_ALT = {
  ArrowUp: ["↑", "The chat above", () => move(-1)],
  ArrowDown: ["↓", "The chat below", () => move(1)],
  KeyM: ["M", "The message box", () => message.focus()],
  KeyL: ["L", "The newest message", toLatest],
  KeyI: ["I", "Inside the bot: the newest update", toUpdates],
  KeyS: ["S", "Save as spec", () => emit("save", 1)],
  KeyO: ["O", "Open a spec or a transcript", () => emit("open")],
  KeyR: ["R", "Restart the bot", () => request("restart")],
  KeyN: ["N", "Let time pass until the next timer", () => request("wait_for_timer")],
  KeyP: ["P", "New person", () => emit("new-person")],
  KeyG: ["G", "New group, forum or channel", () => emit("new-chat")],
  KeyT: ["T", "Light or dark", switchTheme],
};

const ELSEWHERE = [
  ["?", "This list (F1 while you type)"],
  ["Esc", "Back to the message box"],
  ["Tab", "From part to part"],
  ["↑ ↓", "From message to message, from update to update, from command to command"],
  ["← →", "Close and open an update; move a divider"],
  ["Shift F10", "The menu of a message, a chat or an update"],
  ["/", "Commands, in the message box"],
  ["Shift Enter", "A new line"],
];

/** @param {number} step */
function move(step) {
  const ids = [...state.chats.keys()];
  const next = ids[(ids.indexOf(state.here.chat) + step + ids.length) % ids.length];
  emit("look", { chat: next });
  message.focus();
}

function toUpdates() {
  emit("screen", "inspector");
  visibleOnes("#turns", ".turn > summary")[0]?.focus();
}

async function list() {
  const keys = [
    ...ELSEWHERE,
    ...Object.values(WITH_ALT).map(([key, what]) => [`Alt ${key}`, what]),
    ["Alt 1 … 9", "The first chat … the ninth"],
  ];
  const rows = keys.map(([key, what]) => [
    h(
      "dt",
      key.split(" ").map((each) => (each === "…" ? each : h("kbd", each))),
    ),
    h("dd", what),
  ]);
  const content = [
    h("dl.key-list", { tabindex: "0", "aria-label": "Keys" }, rows),
    h("label.field", "Files open in", editors(), address),
  ];
  address.value = template();
  address.hidden = Object.values(EDITORS).includes(address.value);
  const done = submit("ok", "OK", { autofocus: true });
  if ((await open("Keys and editor", content, done)) !== "ok") return;
  remember("editor", address.value);
  emit("editor");
}

const address = h("input", { type: "text", "aria-label": "Address with {path} and {line}" });

/** The editors, and "Another", whose address is typed. */
function editors() {
  const options = [...Object.entries(EDITORS), ["Another", ""]].map(([label, value]) =>
    h("option", { value, selected: value === template() }, label),
  );
  const select = h("select", options);
  if (!Object.values(EDITORS).includes(template())) select.value = "";
  select.onchange = () => {
    address.value = select.value || address.value;
    address.hidden = select.value !== "";
  };
  return select;
}

/** @param {string} box
 *  @param {string} selector
 *  @returns {HTMLElement[]} */
function visibleOnes(box, selector) {
  /** @type {NodeListOf<HTMLElement>} */
  const found = part(box).querySelectorAll(selector);
  return [...found].filter((each) => each.offsetParent !== null);
}

/** Arrow keys go through a list of messages or updates; tell whether they did.
 *  @param {HTMLElement} focused
 *  @param {string} key
 *  @param {string} box
 *  @param {string} selector
 *  @param {string} item */
function walk(focused, key, box, selector, item) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  const all = visibleOnes(box, selector);
  const at = all.findIndex((each) => each.closest(item) === focused.closest(item));
  if (!step || at < 0) return false;
  const next = all[at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return true;
}

/** @param {KeyboardEvent} event */
function handle(event) {
  const { target, key, code } = event;
  if (!(target instanceof HTMLElement) || event.ctrlKey || event.metaKey) return false;
  if (document.querySelector("dialog[open], .menu")) return false;
  const types = target.matches("input:not([type=checkbox]), textarea, select");
  if (key === "F1" || (key === "?" && !types)) list();
  else if (event.altKey && code in WITH_ALT) WITH_ALT[code][2]();
  else if (event.altKey && /^Digit[1-9]$/.test(code)) {
    const chat = [...state.chats.keys()][Number(code.at(-1)) - 1];
    if (chat === undefined) return false;
    emit("look", { chat });
    message.focus();
  } else if (event.altKey || types) return false;
  else if (key === "Escape" && part("#app").dataset.screen === "chat") message.focus();
  else if (target.matches(".turn > summary") && ["ArrowLeft", "ArrowRight"].includes(key))
    /** @type {HTMLDetailsElement} */ (target.parentElement).open = key === "ArrowRight";
  else
    return (
      walk(target, key, "#log", ".message-menu", ".message") ||
      walk(target, key, "#turns", ".turn > summary", ".turn")
    );
  return true;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (!handle(event)) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

on("keys", list);
part("#tools").append(iconButton("keys", "Keys and editor", list));
