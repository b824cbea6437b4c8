// Every update and what came of it: handler, calls, session changes, log lines, exceptions.

import { breakable, button, clock, duration, h, part, plural } from "./dom.js";
import { placeLink } from "./editor.js";
import { passes, showAll } from "./filters.js";
import { jsonBlock, momentLine, traceback, visible } from "./json.js";
import { AS_EXPECTED, problemOf, wentAnotherWay } from "./problems.js";
import { emit, on, request, state } from "./state.js";

const list = part("#turns");
const SHOWN = 150;

function drawAll() {
  const newest = [...state.turns.values()].slice(-SHOWN).reverse();
  list.replaceChildren(...newest.map((turn, index) => item(turn, index === 0)));
}

function item(turn, isOpen) {
  const problem = problemOf(turn);
  const title = [h("bdi", visible(turn.title)), turn.again && h("span.tag", "delivered again")];
  const meta = [
    problem && h("span.tag.bad", problem),
    turn.verdict === AS_EXPECTED && h("span.tag.good", AS_EXPECTED),
    `${plural(turn.calls.length, "call")} · ${turn.done ? duration(turn.seconds) : "running…"} · `,
    h("time", clock(turn.at)),
  ];
  return h(
    `details.turn${problem ? ".failed" : ""}`,
    { id: `turn-${turn.number}`, open: isOpen, hidden: !passes(turn) },
    h("summary", h("span.turn-title", title), h("span.turn-meta", meta)),
    h("div.turn-body", body(turn)),
  );
}

function body(turn) {
  const { number } = turn;
  const goBack = () => request("go_back", { turn: number });
  const restart = turn.returns && button(".small", "Restart from here", goBack);
  const save = turn.update && button(".small", "Save as spec from here", () => emit("save", number));
  return [
    turn.update && handlerLine(turn),
    wentAnotherWay(turn) && h("pre.verdict-text", { tabindex: "0" }, visible(turn.verdict)),
    turn.error && errorBlock(turn),
    turn.changes.length > 0 && changesBlock(turn.changes),
    turn.calls.map(callBlock),
    turn.logs.length > 0 && logBlock(turn),
    turn.update && foldedBlock("", "The update", () => [jsonBlock(turn.update, "The update")]),
    (turn.returns || turn.update) && h("div.turn-buttons", restart, save),
  ];
}

function handlerLine(turn) {
  if (!turn.handler) return h("p.handler", turn.done ? "No handler took it." : "Being handled…");
  const name = turn.handler.split(".");
  return h(
    "p.handler",
    h("code", { title: turn.handler }, breakable(name.slice(-2).join("."))),
    placeLink(turn.place),
    h("span", duration(turn.handler_seconds)),
  );
}

function errorBlock({ error, headline }) {
  return h("div.exception", h("strong", breakable(visible(headline))), traceback(error));
}

function changesBlock(changes) {
  const arrow = () => h("span", { "aria-hidden": "true" }, "→");
  const lines = changes.map(({ name, was, is }) =>
    h("li", h("code", name), h("del", momentLine(was)), arrow(), h("ins", momentLine(is))),
  );
  return h("ul.changes", { "aria-label": "Changes of the session" }, lines);
}

function callBlock({ method, payload, result, error, at }) {
  const gist = String(payload.text ?? payload.caption ?? payload.action ?? "").slice(0, 80);
  const tag = error && h("span.tag.bad", String(error.code ?? "network"));
  const title = [h("code", method), h("span.call-gist", visible(gist)), tag];
  return foldedBlock(error ? ".failed" : "", title, () => [
    error && h("p.problem", error.description),
    h("h4", "Payload"),
    jsonBlock(payload, `Payload of ${method}`),
    !error && [h("h4", "Result"), jsonBlock(result, `Result of ${method}`)],
    h("p.muted", new Date(at * 1000).toISOString().slice(11, 23), " UTC"),
  ]);
}

/** A part whose content is drawn when it is opened: most never are.
 *  @param {string} classes
 *  @param {any} title
 *  @param {() => any[]} content */
function foldedBlock(classes, title, content) {
  const fill = () => {
    if (block.open && block.childElementCount === 1) block.append(...h("div", content()).childNodes);
  };
  /** @type {HTMLDetailsElement} */
  const block = h(`details.call${classes}`, { ontoggle: fill }, h("summary", title));
  return block;
}

function logBlock({ logs, error }) {
  // The exception of the turn stands above already; only others show their traceback here.
  const last = error && lastLine(error);
  const lines = logs.map(({ level, logger, text }) => {
    const shown = visible(last && text.endsWith(last) ? text.split("\n")[0] : text);
    const kind = level.toLowerCase();
    return h(`li.log-line.${kind}`, h("strong", level), h("code", logger), h("span", shown));
  });
  return h("ul.logs", { "aria-label": "Log" }, lines);
}

function lastLine(error) {
  return error.trim().split("\n").at(-1);
}

/** @param {number} number
 *  @returns {HTMLDetailsElement | null} */
function elementOf(number) {
  return document.querySelector(`details#turn-${number}`);
}

function show(number) {
  emit("screen", "inspector");
  const element = elementOf(number);
  if (!element) return;
  if (element.hidden) showAll();
  element.open = true;
  element.scrollIntoView({ block: "start", behavior: "smooth" });
  element.querySelector("summary")?.focus({ preventScroll: true });
}

on("world editor", drawAll);
on("filter", () => {
  for (const turn of state.turns.values()) {
    const element = elementOf(turn.number);
    if (element) element.hidden = !passes(turn);
  }
});
on("show-turn", show);
on("turn", (turn) => {
  const old = elementOf(turn.number);
  if (old) {
    const openCalls = [...old.querySelectorAll("details")].map((each) => each.open);
    const hadFocus = old.querySelector("summary") === document.activeElement;
    const fresh = item(turn, old.open);
    for (const [index, each] of fresh.querySelectorAll("details").entries())
      each.open = openCalls[index] ?? false;
    old.replaceWith(fresh);
    if (hadFocus) fresh.querySelector("summary").focus();
    return;
  }
  const newest = list.querySelector("details");
  if (newest && !newest.contains(document.activeElement)) newest.open = false;
  list.prepend(item(turn, true));
  while (list.childElementCount > SHOWN) list.lastElementChild?.remove();
});
