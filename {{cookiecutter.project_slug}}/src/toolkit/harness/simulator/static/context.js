// Menus at a right click, or the menu key: on messages, chats and updates.

import { copy } from "./clipboard.js";
import { openAt, openMenu } from "./menu.js";
import { messageOf } from "./problems.js";
import { switchTheme } from "./settings.js";
import { chatHere, emit, on, request, state } from "./state.js";

document.addEventListener("contextmenu", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const hasOwn = target?.closest("a, input, textarea, select, pre, img, dialog");
  if (!target || hasOwn || !getSelection()?.isCollapsed) return;
  const open = menuOf(target);
  if (!open) return;
  event.preventDefault();
  openAt(event.clientX, event.clientY, open);
});

/** What opens the menu of what stands there.
 *  @param {Element} target
 *  @returns {(() => void) | null} */
function menuOf(target) {
  /** @type {HTMLElement | null | undefined} */
  const more = target.closest(".message")?.querySelector(".message-menu");
  if (more) return () => more.click();
  /** @type {HTMLElement | null} */
  const entry = target.closest("[data-chat]");
  if (entry) return () => openMenu(entry, chatItems(state.chats.get(Number(entry.dataset.chat))));
  /** @type {HTMLElement | null} */
  const summary = target.closest(".turn > summary");
  const number = summary?.parentElement?.id.replace("turn-", "");
  const turn = state.turns.get(Number(number));
  return summary && turn ? () => openMenu(summary, turnItems(turn)) : null;
}

/** @param {import("./state.js").BotObject | undefined} chat */
function chatItems(chat) {
  if (!chat) return [];
  const isPrivate = chat.type === "private";
  const isBlocked = state.faults.blocked.includes(chat.id);
  const block = () => request("fault", { name: "blocked", on: !isBlocked, user: chat.id });
  return [
    isPrivate && ["Name, username, language…", () => emit("edit-person", chat.id)],
    isPrivate && [isBlocked ? "Unblock the bot" : "Block the bot", block],
    !isPrivate && ["Rights of the bot…", () => emit("edit-rights", chat)],
    ["Copy the id", () => copy(String(chat.id))],
  ];
}

/** @param {import("./state.js").Turn} turn */
function turnItems(turn) {
  const message = turn.chat === state.here.chat ? messageOf(turn) : undefined;
  return [
    message !== undefined && ["Show in the chat", () => emit("show-message", message)],
    turn.returns && ["Restart from here", () => request("go_back", { turn: turn.number })],
    turn.update && ["Save as spec from here", () => emit("save", turn.number)],
    ["Copy as JSON", () => copy(JSON.stringify(turn, null, 2))],
  ];
}

// Also what stands beside the list of chats where there is room for it.
on("chat-menu", (anchor) =>
  openMenu(anchor, [
    ...chatItems(chatHere()),
    ["New person…", () => emit("new-person")],
    ["New chat…", () => emit("new-chat")],
    ["Light or dark", switchTheme],
    ["Keys and editor…", () => emit("keys")],
  ]),
);
