// A red mark on each message whose update failed; it opens that update.

import { button } from "./dom.js";
import { messageOf, problemOf } from "./problems.js";
import { emit, on, state } from "./state.js";

/** @typedef {import("./state.js").Turn} Turn */

/** @param {Turn} turn */
function mark(turn) {
  const id = messageOf(turn);
  if (turn.chat !== state.here.chat || id === undefined) return;
  const bubble = document.querySelector(`#message-${turn.chat}-${id} .bubble`);
  if (!bubble) return;
  const problem = turn.done ? problemOf(turn) : "";
  const old = bubble.querySelector(".failed-mark");
  if (!problem) return old?.remove();
  const label = `The update failed (${problem}): show it`;
  const open = () => emit("show-turn", turn.number);
  const fresh = button(".failed-mark", "!", open, { title: label, "aria-label": label });
  if (old) old.replaceWith(fresh);
  else bubble.prepend(fresh);
}

const markAll = () => {
  for (const turn of state.turns.values()) mark(turn);
};

/** A message that was drawn anew has lost its mark.
 *  @param {{chat: number, message: {message_id: number}}} change */
function markAgain({ chat, message }) {
  if (chat !== state.here.chat) return;
  for (const turn of state.turns.values()) if (messageOf(turn) === message.message_id) mark(turn);
}

on("here", markAll);
on("turn", mark);
on("message", markAgain);
