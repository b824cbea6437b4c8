// Which updates show: of one chat, of one handler, only those that failed.

import { h, part } from "./dom.js";
import { problemOf } from "./problems.js";
import { chatHere, emit, on, state } from "./state.js";

/** @typedef {import("./state.js").Turn} Turn */

const EVERY = "";
const HERE = "here";
const choice = { chat: EVERY, handler: EVERY, failed: false };

const chats = h("select", { "aria-label": "Updates of", onchange: read });
const handlers = h("select", { "aria-label": "Handled by", onchange: read });
const failed = h("input", { type: "checkbox", onchange: read });
const hidden = h("span.muted", { role: "status" });
part("#filters").append(chats, handlers, h("label.check", failed, "Failed"), hidden);

/** @param {Turn} turn */
export function passes(turn) {
  const chat = choice.chat === HERE ? state.here.chat : Number(choice.chat);
  return (
    (!choice.chat || turn.chat === chat) &&
    (!choice.handler || turn.handler === choice.handler) &&
    (!choice.failed || problemOf(turn) !== "")
  );
}

export function showAll() {
  Object.assign(choice, { chat: EVERY, handler: EVERY, failed: false });
  draw();
  emit("filter");
}

function read() {
  Object.assign(choice, { chat: chats.value, handler: handlers.value, failed: failed.checked });
  emit("filter");
  count();
}

function count() {
  const left = [...state.turns.values()].filter((turn) => !passes(turn)).length;
  hidden.textContent = left ? `${left} hidden` : "";
}

function draw() {
  const here = chatHere();
  fill(
    chats,
    [
      [EVERY, "Every chat"],
      [HERE, `This chat${here ? ` (${here.name})` : ""}`],
      ...[...state.chats.values()].map((chat) => [String(chat.id), chat.name]),
    ],
    choice.chat,
  );
  const names = new Set([...state.turns.values()].flatMap(({ handler }) => handler ?? []));
  const listed = [...names].sort().map((name) => [name, name.split(".").slice(-2).join(".")]);
  fill(handlers, [[EVERY, "Every handler"], ...listed], choice.handler);
  failed.checked = choice.failed;
  count();
}

/** @param {HTMLSelectElement} select
 *  @param {string[][]} options
 *  @param {string} value */
function fill(select, options, value) {
  const known = [...select.options].map((option) => option.value + option.text).join();
  if (known !== options.map(([name, label]) => name + label).join()) {
    select.replaceChildren(...options.map(([name, label]) => h("option", { value: name }, label)));
  }
  select.value = value;
}

on("world here chat turn", draw);
on("here", () => choice.chat === HERE && emit("filter"));
