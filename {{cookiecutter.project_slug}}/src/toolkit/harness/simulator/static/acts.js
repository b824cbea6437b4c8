// What people do with a message besides answering it: react, forward, delete.

import { chatsTo } from "./buttons.js";
import { openMenu } from "./menu.js";
import { act, chatHere, emit, state } from "./state.js";

const REACTIONS = ["👍", "👎", "❤", "🔥", "🎉", "😁"];

/** @typedef {import("./state.js").BotObject} Message */

/** What the chat knows of a message: who put which reactions there, and the options that the person on screen
 *  has voted for.
 *  @param {Message} message
 *  @returns {{ reactions?: Record<string, number[]>, chosen: number[] }} */
export function extrasOf({ message_id: id, poll }) {
  const { reactions = {}, votes = {} } = chatHere() ?? {};
  return { reactions: reactions[id], chosen: (poll && votes[poll.id]?.[`${state.here.user}`]) ?? [] };
}

/** Put a reaction on a message, or take it back: people have one.
 *  @param {Message} message
 *  @param {string} emoji */
export function react(message, emoji) {
  const isMine = extrasOf(message).reactions?.[emoji]?.some((user) => user === state.here.user);
  act("act", { kind: "reaction", value: isMine ? [] : emoji, message: message.message_id });
}

/** The entries of a message's menu, which is open at `anchor`.
 *  @param {Message} message
 *  @param {HTMLElement} anchor
 *  @returns {([string, () => void] | false)[]} */
export function actsOn(message, anchor) {
  const { message_id: id, from } = message;
  const mayDelete = from?.id === state.here.user || chatHere()?.type === "private";
  const reactions = REACTIONS.map((emoji) => [emoji, () => react(message, emoji)]);
  const forward = async (/** @type {number} */ to) => {
    await act("forward", { message: id, to });
    emit("look", { chat: to, user: state.here.user });
  };
  return [
    ["React", () => openMenu(anchor, reactions)],
    ["Forward", () => openMenu(anchor, chatsTo(forward))],
    mayDelete && ["Delete", () => act("delete", { message: id })],
  ];
}
