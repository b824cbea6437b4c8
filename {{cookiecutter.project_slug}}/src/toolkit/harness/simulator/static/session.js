// What the bot remembers of the chat on screen: typed fields, what changed last, editing, the open talk.

import { confirm } from "./dialogs.js";
import { button, clock, h, iconButton, keepFocus, part } from "./dom.js";
import { jsonBlock, jsonLine, momentLine, visible } from "./json.js";
import { connection, on, request, state } from "./state.js";

const section = part("#session");
let editing = false;

function draw() {
  keepFocus(section, "field", drawFields);
}

function drawFields() {
  const session = state.session;
  if (!session)
    return section.replaceChildren(h("p.muted", "The session shows here as soon as the bot runs."));
  section.replaceChildren(
    h(
      "div.session-head",
      h("code", session.key),
      h("span.muted", session.stored ? "stored" : "not stored: nothing has changed it"),
      button(".small", "Reset", reset, { disabled: !session.stored }),
    ),
    ...(session.problem
      ? [h("p.problem", session.problem), jsonBlock(session.record, "The stored record")]
      : []),
    h("dl.fields", { "aria-label": "Fields of the session" }, session.fields.map(row)),
    ...(session.talk ? [talk(session.key, session.talk)] : []),
    ...fsm(session.fsm),
  );
}

async function reset() {
  const key = state.session?.key;
  if (await confirm("Reset the session?", `What the bot remembers under ${key} is forgotten.`, "Reset"))
    request("reset", { key });
}

function row(field) {
  const changed = "was" in field;
  const line = h(
    `div.field-row${changed ? ".changed" : ""}`,
    { "data-field": field.name },
    h("dt", h("span.field-name", field.name), h("span.field-type", field.type)),
    h(
      "dd",
      h("span.field-value", momentLine(field.value)),
      changed && h("span.was", "was ", momentLine(field.was)),
      iconButton("edit", `Edit ${field.name}`, () => edit(field, line)),
    ),
  );
  return line;
}

function edit(field, line) {
  const editor = editorOf(field);
  const close = () => {
    editing = false;
    draw();
  };
  const save = async (event) => {
    event.preventDefault();
    const key = state.session?.key;
    try {
      await connection.ask("edit", { key, name: field.name, value: editor.read() });
      close();
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
      editor.element.setAttribute("aria-invalid", "true");
      editor.element.focus();
    }
  };
  const problem = h("p.problem", { id: "edit-problem", role: "alert" });
  const form = h(
    "form.edit",
    { onsubmit: save, onkeydown: (event) => event.key === "Escape" && close() },
    editor.element,
    h("button.small.primary", { type: "submit" }, "Set"),
    button(".small", "Cancel", close),
    problem,
  );
  editing = true;
  line.querySelector("dd").replaceChildren(form);
  editor.element.focus();
}

/** An input that suits the field; `read()` is its value as JSON. */
function editorOf({ name, value, type, choices }) {
  const label = { "aria-label": `New value of ${name}`, "aria-describedby": "edit-problem" };
  const listed = choices ?? (type === "bool" ? [false, true] : null);
  if (listed) {
    const options = listed.map((choice, index) =>
      h("option", { value: String(index), selected: choice === value }, jsonLine(choice)),
    );
    const element = h("select", label, options);
    return { element, read: () => listed[Number(element.value)] };
  }
  const isText = typeof value === "string" && type === "str";
  const element = h("input", {
    ...label,
    type: "text",
    value: isText ? value : (JSON.stringify(value) ?? ""),
    autocomplete: "off",
  });
  const read = () => {
    if (isText) return element.value;
    try {
      return JSON.parse(element.value);
    } catch {
      return element.value; // a date or a text, typed without quotes
    }
  };
  return { element, read };
}

/** @param {string} key
 *  @param {import("./state.js").BotObject} talk */
function talk(key, { name, answers, waiting, takes, until }) {
  const limit = until && ` until ${clock(until)}`;
  return h(
    "div.talk",
    h("h3", `Talk ${visible(name)}`),
    h(
      "dl.fields",
      { "aria-label": "Questions of the talk" },
      answers.map((answer) => answerRow(key, answer)),
      h(
        "div.field-row.waits",
        h("dt", h("span.field-name", visible(waiting ?? ""))),
        h("dd", h("span.muted", "waits for ", WAITS[takes], limit)),
      ),
    ),
  );
}

const WAITS = { text: "a text or a tap", message: "a message", event: "an event" };

function answerRow(key, { name, value, ended }) {
  const question = visible(name);
  const again = () => request("ask_again", { key, question: name });
  return h(
    "div.field-row",
    { "data-field": `talk ${question}` },
    h("dt", h("span.field-name", question)),
    h(
      "dd",
      h("span.field-value", ended ?? momentLine(value, 120)),
      button(".small", "Go back to here", again, { "aria-label": `Go back to here: ${question}` }),
    ),
  );
}

function fsm(states) {
  return Object.entries(states).map(([name, content]) =>
    h("div.fsm", h("h3", `FSM ${name}`), jsonBlock(content, `FSM ${name}`)),
  );
}

on("session", () => editing || draw());
on("here", () => (editing = false));
