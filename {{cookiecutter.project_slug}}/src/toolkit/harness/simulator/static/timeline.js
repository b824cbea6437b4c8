// All that has happened on one line. Its thumb is dragged back; the chat shows what would be undone.

import { button, clock, h, part } from "./dom.js";
import { visible } from "./json.js";
import { problemOf } from "./problems.js";
import { on, request, state } from "./state.js";

/** @typedef {import("./state.js").Turn} Turn */

const box = part("#timeline");
/** @type {Turn[]} */
let turns = [];

const ticks = h("div.ticks", { "aria-hidden": "true" });
/** @type {HTMLInputElement} */
const thumb = h("input", { type: "range", min: "0", "aria-label": "Back in time", oninput: preview });
thumb.addEventListener("keydown", (event) => {
  if (event.key === "Enter") goBack();
  else if (event.key === "Escape") toNow();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
const label = h("span.timeline-label");
const back = button(".small.primary", "Restart from here", goBack);
const stay = button(".small", "Cancel", toNow);
const choice = part("#undoing");
choice.append(label, back, stay);
box.append(ticks, thumb);

function draw() {
  const kept = chosen();
  turns = [...state.turns.values()].filter((turn) => turn.returns);
  box.hidden = turns.length < 2;
  thumb.max = String(turns.length);
  const at = kept ? turns.indexOf(kept) : -1;
  thumb.value = String(at < 0 ? turns.length : at);
  ticks.replaceChildren(
    ...turns.map((turn) => h(`i${problemOf(turn) ? ".failed" : ""}`, { "data-turn": String(turn.number) })),
    h("i.now"),
  );
  preview();
}

/** The turn before which the thumb stands, undefined where it stands at the end. */
function chosen() {
  return turns[Number(thumb.value)];
}

function preview() {
  const turn = chosen();
  choice.hidden = !turn;
  const text = turn ? `Before “${visible(turn.title)}”, ${clock(turn.at)}` : "Now";
  label.textContent = text;
  thumb.setAttribute("aria-valuetext", text);
  const undone = turn ? turns.filter((each) => each.number >= turn.number) : [];
  const gone = new Set(undone.flatMap(messagesOf));
  for (const each of document.querySelectorAll("#log .undone")) each.classList.remove("undone");
  for (const id of gone) document.getElementById(id)?.classList.add("undone");
}

/** The ids of the elements of messages that came with a turn.
 *  @param {Turn} turn */
function messagesOf({ chat, message, calls }) {
  const sent = calls.filter(({ method }) => method.startsWith("send")).flatMap(({ result }) => result ?? []);
  const own = message == null ? [] : [`message-${chat}-${message}`];
  return [...own, ...sent.map((each) => `message-${each.chat?.id}-${each.message_id}`)];
}

function toNow() {
  thumb.value = thumb.max;
  preview();
}

function goBack() {
  const turn = chosen();
  if (turn) request("go_back", { turn: turn.number });
}

on("world", () => {
  turns = [];
  draw();
});
on("turn", draw);
on("here", preview);
