// Every update and what came of it: handler, calls, session changes, log lines, exceptions.

import { clock, duration, h, plural } from "./dom.js";
import { jsonBlock, momentLine, visible } from "./json.js";
import { emit, on, request, state } from "./state.js";

const list = document.querySelector("#turns");
const SHOWN = 150;
const AS_EXPECTED = "as expected";
const wentAnotherWay = ({ verdict }) => Boolean(verdict) && verdict !== AS_EXPECTED;

function drawAll() {
  list.replaceChildren(
    ...[...state.turns.values()]
      .slice(-SHOWN)
      .reverse()
      .map((turn, index) => item(turn, index === 0)),
  );
}

function item(turn, isOpen) {
  const refused = turn.calls.filter((call) => call.error).length;
  const failed = turn.error || refused || wentAnotherWay(turn);
  return h(
    `details.turn${failed ? ".failed" : ""}`,
    { id: `turn-${turn.number}`, open: isOpen },
    h(
      "summary",
      h(
        "span.turn-title",
        h("bdi", visible(turn.title)),
        turn.again && h("span.tag", "delivered again"),
      ),
      h(
        "span.turn-meta",
        turn.error
          ? h("span.tag.bad", "exception")
          : refused > 0 && h("span.tag.bad", `${refused} refused`),
        turn.verdict === AS_EXPECTED && h("span.tag.good", AS_EXPECTED),
        wentAnotherWay(turn) && h("span.tag.bad", "not as expected"),
        plural(turn.calls.length, "call"),
        " · ",
        turn.done ? duration(turn.seconds) : "running…",
        " · ",
        h("time", clock(turn.at)),
      ),
    ),
    h("div.turn-body", body(turn)),
  );
}

function body(turn) {
  return [
    turn.update && handlerLine(turn),
    wentAnotherWay(turn) && h("pre.verdict-text", { tabindex: "0" }, visible(turn.verdict)),
    turn.error && errorBlock(turn.error),
    turn.changes.length > 0 && changesBlock(turn.changes),
    turn.calls.map(callBlock),
    turn.logs.length > 0 &&
      h(
        "ul.logs",
        { "aria-label": "Log" },
        turn.logs.map((line) => logLine(line, turn.error)),
      ),
    turn.update && h("details.call", h("summary", "The update"), jsonBlock(turn.update, "The update")),
    (turn.returns || turn.update) &&
      h(
        "div.turn-buttons",
        turn.returns &&
          h(
            "button.small",
            { type: "button", onclick: () => request("go_back", { turn: turn.number }) },
            "Restart from here",
          ),
        turn.update &&
          h(
            "button.small",
            { type: "button", onclick: () => emit("save", turn.number) },
            "Save as spec from here",
          ),
      ),
  ];
}

function handlerLine(turn) {
  if (!turn.handler) return h("p.handler", turn.done ? "No handler took it." : "Being handled…");
  const name = turn.handler.split(".");
  return h(
    "p.handler",
    h("code", { title: turn.handler }, name.slice(-2).join(".")),
    h("span.place", turn.place),
    h("span", duration(turn.handler_seconds)),
  );
}

function errorBlock(error) {
  const lines = error.trim().split("\n");
  return h(
    "div.exception",
    h("strong", visible(lines.at(-1))),
    h("details", h("summary", "Traceback"), h("pre", { tabindex: "0" }, visible(error))),
  );
}

function changesBlock(changes) {
  return h(
    "ul.changes",
    { "aria-label": "Changes of the session" },
    changes.map((change) =>
      h(
        "li",
        h("code", change.name),
        h("del", momentLine(change.was)),
        h("span", { "aria-hidden": "true" }, "→"),
        h("ins", momentLine(change.is)),
      ),
    ),
  );
}

function callBlock(call) {
  return h(
    `details.call${call.error ? ".failed" : ""}`,
    h(
      "summary",
      h("code", call.method),
      h(
        "span.call-gist",
        visible(
          String(call.payload.text ?? call.payload.caption ?? call.payload.action ?? "").slice(0, 80),
        ),
      ),
      call.error && h("span.tag.bad", String(call.error.code ?? "network")),
    ),
    call.error && h("p.problem", call.error.description),
    h("h4", "Payload"),
    jsonBlock(call.payload, `Payload of ${call.method}`),
    !call.error && [h("h4", "Result"), jsonBlock(call.result, `Result of ${call.method}`)],
    h("p.muted", new Date(call.at * 1000).toISOString().slice(11, 23), " UTC"),
  );
}

function logLine({ level, logger, text }, error) {
  // The exception of the turn stands above already; only others show their traceback here.
  const last = error?.trim().split("\n").at(-1);
  const shown = last && text.endsWith(last) ? text.split("\n")[0] : text;
  return h(
    `li.log-line.${level.toLowerCase()}`,
    h("strong", level),
    h("code", logger),
    h("span", visible(shown)),
  );
}

function show(number) {
  emit("screen", "inspector");
  const element = document.querySelector(`#turn-${number}`);
  if (!element) return;
  element.open = true;
  element.scrollIntoView({ block: "start", behavior: "smooth" });
  element.querySelector("summary").focus({ preventScroll: true });
}

on("world", drawAll);
on("show-turn", show);
on("turn", (turn) => {
  const old = document.querySelector(`#turn-${turn.number}`);
  if (old) {
    const openCalls = [...old.querySelectorAll("details")].map((each) => each.open);
    const hadFocus = old.querySelector("summary") === document.activeElement;
    const fresh = item(turn, old.open);
    fresh.querySelectorAll("details").forEach((each, index) => (each.open = openCalls[index] ?? false));
    old.replaceWith(fresh);
    if (hadFocus) fresh.querySelector("summary").focus();
    return;
  }
  const newest = list.firstElementChild;
  if (newest && !newest.contains(document.activeElement)) newest.open = false;
  list.prepend(item(turn, true));
  while (list.childElementCount > SHOWN) list.lastElementChild.remove();
});
