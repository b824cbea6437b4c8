// The list of chats: one private chat per person, and the groups.

import { askFor } from "./dialogs.js";
import { avatar, button, h, keepFocus, part } from "./dom.js";
import { summary } from "./message.js";
import { emit, look, on, request, state } from "./state.js";

const list = part("#chat-list");
const KINDS = { channel: "Channel", supergroup: "Group", group: "Group" };

function draw() {
  keepFocus(list, "chat", () => list.replaceChildren(...[...state.chats.values()].map(entry)));
}

function entry(chat) {
  const last = [...(state.messages.get(chat.id)?.values() ?? [])].at(-1);
  const unread = state.unread.get(chat.id);
  const kind = chat.type === "private" ? "talks to the bot" : chat.is_forum ? "Forum" : KINDS[chat.type];
  const name = h("strong", h("bdi", chat.name));
  const label = [
    avatar(chat.name, chat.id),
    h("span.card-text", name, h("span", { dir: "auto" }, last ? summary(last) : kind)),
    unread && h("span.badge", String(unread), h("span.hidden", " new")),
  ];
  const entry = button(".chat-entry", label, () => emit("look", { chat: chat.id }), {
    "data-chat": String(chat.id),
    title: chat.name,
    "aria-current": chat.id === state.here.chat ? "true" : null,
  });
  return h("li", entry);
}

on("look", ({ chat, user = null, thread = null }) => {
  look(chat, { user, thread });
  emit("screen", "chat");
});
on("world", () => (part("#project").textContent = state.project.name));
on("here world people chat message deleted", draw);

part("#new-person").onclick = () => emit("new-person");
part("#new-chat").onclick = () => emit("new-chat");

on("new-topic", async () => {
  const answer = await askFor("New topic", [{ name: "name", label: "Name", required: true }]);
  const { user, chat } = state.here;
  const thread = answer && (await request("open_topic", { user, chat, ...answer }));
  if (thread) emit("look", { chat, thread });
});
