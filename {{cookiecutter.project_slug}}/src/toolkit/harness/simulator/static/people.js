// Dialogs about who is there: people with a name, a username, a language and an id; chats with rights.

import { cancel, field, open, submit } from "./dialogs.js";
import { h } from "./dom.js";
import { connection, emit, on, state } from "./state.js";

/** @typedef {Record<string, any>} Fields */

/** Ask until the simulator takes the answer; resolves with its result, null when cancelled.
 *  @param {string} title
 *  @param {Fields} fields inputs by name
 *  @param {(answer: Fields) => Promise<any>} send
 *  @returns {Promise<any>} */
async function ask(title, fields, send) {
  const problem = h("p.problem", { role: "alert" });
  const content = Object.values(fields).map(({ label, input }) => (label ? field(label, input) : input));
  for (;;) {
    const value = await open(title, [...content, problem], [cancel(), submit("ok", "OK")]);
    if (value !== "ok") return null;
    try {
      return await send(Object.fromEntries(Object.entries(fields).map(([name, { read }]) => [name, read()])));
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}

/** @param {string} label
 *  @param {Fields} more */
function text(label, more = {}) {
  const input = h("input", { type: "text", autocomplete: "off", ...more });
  return { label, input, read: () => input.value };
}

/** @param {Fields} person */
const personFields = ({ name = "", username = "", language = "" } = {}) => ({
  name: text("Name", { value: name, required: true }),
  username: text("Username", { value: username, placeholder: "none" }),
  language: text("Language", { value: language, placeholder: "such as de or pt-br" }),
});

function newPerson() {
  const taken = Math.max(0, ...state.people.map(({ id }) => id));
  const id = text("Id", { inputmode: "numeric", placeholder: `${taken + 1}` });
  return ask("New person", { ...personFields(), user_id: id }, (answer) => connection.ask("meet", answer));
}

/** @param {number} id */
function editPerson(id) {
  const person = state.people.find((each) => each.id === id);
  if (!person) return;
  return ask(`Edit ${person.name} (${id})`, personFields(person), (answer) =>
    connection.ask("describe", { user: id, ...answer }),
  );
}

const KINDS = { group: "Group", forum: "Forum: a group with topics", channel: "Channel" };

function newChat() {
  const rights = h("fieldset.rights");
  const options = Object.entries(KINDS).map(([value, label]) => h("option", { value }, label));
  const kind = h("select", { onchange: () => drawRights(rights, kind.value, []) }, options);
  drawRights(rights, "group", []);
  const fields = {
    title: text("Title", { required: true }),
    kind: { label: "Kind", input: kind, read: () => kind.value },
    rights: { input: rights, read: () => checked(rights) },
  };
  return ask("New chat", fields, (answer) => connection.ask("gather", answer));
}

/** @param {Fields} chat */
function editRights(chat) {
  const rights = h("fieldset.rights");
  drawRights(rights, chat.type === "channel" ? "channel" : "group", chat.bot.rights);
  const fields = { rights: { input: rights, read: () => checked(rights) } };
  return ask(`What the bot may do in ${chat.name}`, fields, ({ rights: granted }) =>
    connection.ask("grant", { user: state.here.user, chat: chat.id, rights: granted }),
  );
}

/** @param {HTMLElement} box
 *  @param {string} kind
 *  @param {string[]} granted */
function drawRights(box, kind, granted) {
  const note = kind === "channel" ? "" : " (none: the bot is an ordinary member)";
  const one = (/** @type {string} */ right) =>
    h(
      "label.check",
      h("input", { type: "checkbox", value: right, checked: granted.includes(right) }),
      right.replace("can_", "").replaceAll("_", " "),
    );
  box.replaceChildren(h("legend", `Administrator rights of the bot${note}`), ...state.rights[kind].map(one));
}

/** @param {HTMLElement} box */
function checked(box) {
  return [...box.querySelectorAll("input")].filter((input) => input.checked).map((input) => input.value);
}

/** @type {number | null} */
let awaited = null;

/** The answer to a request may come before the chat that it opened.
 *  @param {number | null} id */
function openSoon(id) {
  awaited = id;
  if (id !== null && state.chats.has(id)) emit("look", { chat: id });
}

on("chat", ({ id }) => {
  if (id === awaited && state.here.chat !== id) emit("look", { chat: id });
});
on("look", () => (awaited = null));
on("new-person", async () => openSoon(await newPerson()));
on("new-chat", async () => openSoon(await newChat()));
on("edit-person", editPerson);
on("edit-rights", editRights);
