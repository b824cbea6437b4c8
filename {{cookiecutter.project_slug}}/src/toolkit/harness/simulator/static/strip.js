// The line under a chat's header: what the bot is handling, what Telegram waits for, the faults that are on.

import { button, h, part } from "./dom.js";
import { chatHere, nameOf, on, request, state } from "./state.js";

/** @typedef {import("./state.js").Turn} Turn */

const QUIET_MS = 300; // what is handled sooner needs no word
const strip = part("#strip");
const pulse = part("#pulse");
const badges = part("#badges");

/** When this page learned of each turn in work. The clock of a bot that waits may be ahead of ours.
 *  @type {Map<number, number>} */
const began = new Map();
/** How many refusals of each turn are known, and until when Telegram wants no call.
 *  @type {Map<number, number>} */
const refusals = new Map();
let quietUntil = 0;
let ticking = 0;

/** @param {Turn} turn */
function note(turn) {
  if (turn.done) began.delete(turn.number);
  else if (!began.has(turn.number)) began.set(turn.number, performance.now());
  const waits = turn.calls.flatMap(({ error }) => error?.retry_after ?? []);
  if (waits.length > (refusals.get(turn.number) ?? 0)) {
    quietUntil = performance.now() + 1000 * (waits.at(-1) ?? 0);
    refusals.set(turn.number, waits.length);
  }
  tick();
}

/** Draw the times, and go on for as long as one of them runs. */
function tick() {
  clearTimeout(ticking);
  const now = performance.now();
  const lines = [...handled(now), ...telegram(now)];
  pulse.replaceChildren(...lines);
  pulse.hidden = !lines.length;
  strip.hidden = pulse.hidden && badges.hidden;
  if (began.size || quietUntil > now) ticking = setTimeout(tick, 100);
}

/** @param {number} now */
function* handled(now) {
  for (const [number, since] of began) {
    const turn = state.turns.get(number);
    if (!turn || turn.chat !== state.here.chat || now - since < QUIET_MS) continue;
    const name = turn.handler?.split(".").slice(-2).join(".");
    const time = h("span.time", `${((now - since) / 1000).toFixed(1)} s`);
    yield h("span.handling", "handling… ", time, name && h("code", name));
  }
}

/** @param {number} now */
function* telegram(now) {
  if (quietUntil <= now) return;
  const seconds = Math.ceil((quietUntil - now) / 1000);
  yield h("span.quiet", "Telegram (429) wants no call for ", h("span.time", `${seconds} s`));
}

function drawBadges() {
  const { blocked, flood, network, slow } = state.faults;
  const here = chatHere();
  const person = here?.type === "private" ? here.id : state.here.user;
  /** @type {[string, boolean, string][]} */
  const all = [
    ["flood", flood, "429 Too Many Requests"],
    ["network", network, "Network down"],
    ["slow", slow, "Slow store"],
    ["blocked", blocked.includes(person), `${nameOf(person)} has blocked the bot`],
  ];
  const active = all.filter(([, isOn]) => isOn);
  badges.hidden = !active.length;
  badges.replaceChildren(...active.map(([name, , label]) => badge(name, label, person)));
  tick();
}

/** @param {string} name
 *  @param {string} label
 *  @param {number | null} user */
function badge(name, label, user) {
  const off = () => request("fault", { name, on: false, user });
  return button(".fault-badge", [h("bdi", label), h("span", { "aria-hidden": "true" }, "×")], off, {
    title: "Switch it off",
    "aria-label": `${label}: switch it off`,
  });
}

on("here people world", drawBadges);
on("turn", note);
on("world", () => {
  began.clear();
  refusals.clear();
  quietUntil = 0;
  for (const turn of state.turns.values()) if (!turn.done) began.set(turn.number, performance.now());
  tick();
});
