// Switches for what can go wrong, and buttons for what can be done to the bot.

import { confirm } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { chatHere, emit, nameOf, on, request, state } from "./state.js";

const status = document.querySelector("#status");
const actions = document.querySelector("#actions");
const faults = document.querySelector("#faults");

function drawStatus() {
  const { running, broken } = state.status;
  const [kind, text] = !state.connected
    ? ["bad", "Not connected"]
    : broken
      ? ["bad", "Broken"]
      : running
        ? ["good", "Running"]
        : ["", "Starting…"];
  status.className = `status ${kind}`;
  status.textContent = text;
}

function drawFaults() {
  const { user } = state.here;
  const here = chatHere();
  if (!here) return;
  const person = here.type === "private" ? here.id : user;
  const set = (name, on) => request("fault", { name, on, user: person });
  const one = (name, label, on) =>
    h(
      "label.switch",
      h("input", {
        type: "checkbox",
        role: "switch",
        checked: on,
        "data-fault": name,
        onchange: (event) => set(name, event.target.checked),
      }),
      h("span", label),
    );
  const focused = faults.contains(document.activeElement) ? document.activeElement.dataset.fault : null;
  faults.replaceChildren(
    one(
      "blocked",
      [h("bdi", nameOf(person)), " has blocked the bot"],
      state.faults.blocked.includes(person),
    ),
    one("flood", "429 Too Many Requests", state.faults.flood),
    one("network", "Network down", state.faults.network),
    one("slow", "Slow store (2 s a call)", state.faults.slow),
  );
  if (focused) faults.querySelector(`[data-fault="${focused}"]`)?.focus();
}

const tool = (symbol, label, onclick) =>
  h("button.tool", { type: "button", onclick }, icon(symbol), label);

async function startOver() {
  const yes = await confirm(
    "Start over?",
    "All chats and everything the bot remembers are forgotten.",
    "Start over",
  );
  if (yes) request("start_over");
}

actions.replaceChildren(
  tool("save", "Save as spec", () => emit("save", 1)),
  tool("open", "Open", () => emit("open")),
  tool("restart", "Restart the bot", () => request("restart")),
  tool("again", "Redeliver the last update", () => request("redeliver")),
  tool("broom", "Start over", startOver),
);

on("connection status world", drawStatus);
on("here people world", drawFaults);
drawStatus();
