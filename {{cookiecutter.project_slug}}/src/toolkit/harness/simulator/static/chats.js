// The list of chats: one private chat per person, and the groups.

import { askFor } from "./dialogs.js";
import { avatar, button, h, keepFocus, part } from "./dom.js";
import { summary } from "./message.js";
import { emit, look, on, request, state } from "./state.js";

const list = part("#chat-list");

function draw() {
  keepFocus(list, "chat", () => list.replaceChildren(...[...state.chats.values()].map(entry)));
}

function entry(chat) {
  const last = [...(state.messages.get(chat.id)?.values() ?? [])].at(-1);
  const unread = state.unread.get(chat.id);
  const kind = chat.type === "private" ? "talks to the bot" : chat.is_forum ? "Forum" : "Group";
  const name = h("strong", h("bdi", chat.name));
  const label = [
    avatar(chat.name, chat.id),
    h("span.card-text", name, h("span", { dir: "auto" }, last ? summary(last) : kind)),
    unread && h("span.badge", String(unread), h("span.hidden", " new")),
  ];
  const entry = button(".chat-entry", label, () => emit("look", { chat: chat.id }), {
    "data-chat": String(chat.id),
    "aria-current": chat.id === state.here.chat ? "true" : null,
  });
  return h("li", entry);
}

on("look", ({ chat, user = null, thread = null }) => {
  look(chat, { user, thread });
  emit("screen", "chat");
});
on("here world people chat message deleted", draw);

const NAME = { name: "name", label: "Name", required: true };
const GROUP = [
  { name: "title", label: "Title", required: true },
  { name: "forum", label: "With topics", type: "checkbox" },
];

async function add(title, fields, what) {
  const answer = await askFor(title, fields);
  const id = answer && (await request(what, answer));
  if (id) openSoon(id);
}

part("#new-person").onclick = () => add("New person", [NAME], "meet");
part("#new-group").onclick = () => add("New group", GROUP, "gather");

on("new-topic", async () => {
  const answer = await askFor("New topic", [NAME]);
  const { user, chat } = state.here;
  const thread = answer && (await request("open_topic", { user, chat, ...answer }));
  if (thread) emit("look", { chat, thread });
});

let awaited = null;

/** The answer to a request may come before the chat that it opened. */
function openSoon(id) {
  awaited = id;
  if (state.chats.has(id)) emit("look", { chat: id });
}

on("chat", ({ id }) => {
  if (id === awaited && state.here.chat !== id) emit("look", { chat: id });
});
on("look", () => (awaited = null));
