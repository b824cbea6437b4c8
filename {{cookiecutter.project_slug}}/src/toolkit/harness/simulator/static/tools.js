// Switches for what can go wrong, and buttons for what can be done to the bot.

import { confirm } from "./dialogs.js";
import { button, h, icon, iconButton, keepFocus, part } from "./dom.js";
import { chatHere, emit, nameOf, on, request, state } from "./state.js";

const status = part("#status");
const actions = part("#actions");
const faults = part("#faults");

function drawStatus() {
  const { running, broken } = state.status;
  const problem = state.connected ? broken && "Broken" : "Not connected";
  status.className = `status ${problem ? "bad" : running ? "good" : ""}`;
  status.textContent = problem || (running ? "Running" : "Starting…");
}

function drawFaults() {
  const { user } = state.here;
  const here = chatHere();
  if (!here) return;
  const person = here.type === "private" ? here.id : user;
  const one = (name, label, on) => {
    const onchange = ({ target }) => request("fault", { name, on: target.checked, user: person });
    const looks = { type: "checkbox", role: "switch", checked: on, "data-fault": name, onchange };
    return h("label.switch", h("input", looks), h("span", label));
  };
  const { blocked, flood, network, slow } = state.faults;
  keepFocus(faults, "fault", () =>
    faults.replaceChildren(
      one("blocked", [h("bdi", nameOf(person)), " has blocked the bot"], blocked.includes(person)),
      one("flood", "429 Too Many Requests", flood),
      one("network", "Network down", network),
      one("slow", "Slow store (2 s/call)", slow),
    ),
  );
}

const tool = (symbol, label, onclick) => button(".tool", [icon(symbol), label], onclick);
const small = (symbol, label, onclick) => iconButton(symbol, label, onclick, ".tool");

async function startOver() {
  const text = "All chats and everything the bot remembers are forgotten.";
  if (await confirm("Start over?", text, "Start over")) request("start_over");
}

actions.replaceChildren(
  tool("save", "Save as spec", () => emit("save", 1)),
  tool("open", "Open", () => emit("open")),
  small("restart", "Restart the bot", () => request("restart")),
  small("again", "Redeliver the last update", () => request("redeliver")),
  small("clock", "Next timer", () => request("wait_for_timer")),
  small("broom", "Start over", startOver),
);

on("connection status world", drawStatus);
on("here people world", drawFaults);
drawStatus();
