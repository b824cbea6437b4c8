// The timers that are set, of all sessions: what they are, whose, and when they are due.

import { button, clock, h, part } from "./dom.js";
import { visible } from "./json.js";
import { connection, on, request, state } from "./state.js";

const section = part("#timers");
let loading = false;
let again = false;

async function load() {
  again = loading;
  if (loading || !state.status.running) return;
  loading = true;
  const timers = await connection.ask("timers").catch(() => []);
  loading = false;
  draw(timers);
  if (again) load();
}

/** @param {{key: string, name: string, at: number, seconds: number}[]} timers */
function draw(timers) {
  section.hidden = !timers.length;
  if (!timers.length) return section.replaceChildren();
  const next = () => request("wait_for_timer");
  const comes = button(".small", "Let the next one come", next);
  const head = h("div.session-head", h("h3", "Timers"), comes);
  section.replaceChildren(head, h("ul.timers", { "aria-label": "Timers" }, timers.map(row)));
}

/** @param {{key: string, name: string, at: number, seconds: number}} timer */
function row({ key, name, at, seconds }) {
  const chat = state.chats.get(Number(key.split("_")[0]));
  const when = seconds < 86_400 ? clock(at) : new Date(at * 1000).toLocaleDateString();
  return h(
    "li",
    h("code", visible(name)),
    h("bdi.muted", chat?.name ?? key),
    h("span", `${left(seconds)} (${when})`),
  );
}

/** @param {number} seconds */
function left(seconds) {
  const [unit, length] = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ].find(([, each]) => seconds >= Number(each)) ?? ["second", 1];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const count = Math.max(0, Math.floor(seconds / Number(length)));
  return words.format(count, /** @type {Intl.RelativeTimeFormatUnit} */ (unit));
}

on("world status", load);
on("turn", (turn) => turn.done && load());
