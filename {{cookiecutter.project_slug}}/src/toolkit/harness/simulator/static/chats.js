// The list of chats: one private chat a person, and the groups.

import { avatar, h } from "./dom.js";
import { askFor } from "./dialogs.js";
import { summary } from "./message.js";
import { emit, look, on, request, state } from "./state.js";

const list = document.querySelector("#chat-list");

function draw() {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.chat : null;
  list.replaceChildren(...[...state.chats.values()].map(entry));
  if (focused) list.querySelector(`[data-chat="${focused}"]`)?.focus();
}

function entry(chat) {
  const last = [...(state.messages.get(chat.id)?.values() ?? [])].at(-1);
  const unread = state.unread.get(chat.id);
  const kind = chat.type === "private" ? "talks to the bot" : chat.is_forum ? "Forum" : "Group";
  return h(
    "li",
    h(
      "button.chat-entry",
      {
        type: "button",
        "data-chat": String(chat.id),
        "aria-current": chat.id === state.here.chat ? "true" : null,
        onclick: () => emit("look", { chat: chat.id }),
      },
      avatar(chat.name, chat.id),
      h(
        "span.card-text",
        h("strong", h("bdi", chat.name)),
        h("span.preview", { dir: "auto" }, last ? summary(last) : kind),
      ),
      unread && h("span.badge", String(unread), h("span.hidden", " new")),
    ),
  );
}

on("look", ({ chat, user = null, thread = null }) => {
  look(chat, { user, thread });
  emit("screen", "chat");
});
on("here world people chat message deleted", draw);

document.querySelector("#new-person").addEventListener("click", async () => {
  const answer = await askFor("New person", [{ name: "name", label: "Name", required: true }]);
  const id = answer && (await request("meet", answer));
  if (id) openSoon(id);
});

document.querySelector("#new-group").addEventListener("click", async () => {
  const answer = await askFor("New group", [
    { name: "title", label: "Title", required: true },
    { name: "forum", label: "With topics", type: "checkbox" },
  ]);
  const id = answer && (await request("gather", answer));
  if (id) openSoon(id);
});

on("new-topic", async () => {
  const answer = await askFor("New topic", [{ name: "name", label: "Name", required: true }]);
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
