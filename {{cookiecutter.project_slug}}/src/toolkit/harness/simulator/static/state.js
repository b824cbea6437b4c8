// What is known about the simulation, and where this window looks. Views listen for what they show.

import { Connection } from "./connection.js";

export const connection = new Connection();

export const state = {
  connected: false,
  bot: { name: "Bot", username: "" },
  status: { running: false, broken: null },
  people: [],
  faults: { blocked: [] },
  chats: new Map(),
  messages: new Map(),
  turns: new Map(),
  session: null,
  unread: new Map(),
  here: { chat: null, user: null, thread: null },
};

const listeners = new Map();

/** Call `listener` whenever one of the `kinds` of change happens. */
export function on(kinds, listener) {
  for (const kind of kinds.split(" ")) {
    listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
  }
}

export function emit(kind, detail) {
  for (const listener of listeners.get(kind) ?? []) listener(detail);
}

/** Do something on the simulator as the person on screen; refusals are shown. */
export async function act(what, fields = {}) {
  const { user, chat } = state.here;
  return request(what, { user, chat, ...fields });
}

export async function request(what, fields = {}) {
  try {
    return await connection.ask(what, fields);
  } catch (error) {
    emit("toast", { text: error.message, bad: true });
    return undefined;
  }
}

export function chatHere() {
  return state.chats.get(state.here.chat);
}

export function nameOf(userId) {
  return state.people.find((person) => person.id === userId)?.name ?? "Unknown";
}

/** The messages of the chat, and of its topic, on screen. */
export function messagesHere() {
  const all = [...(state.messages.get(state.here.chat)?.values() ?? [])];
  return chatHere()?.is_forum ? all.filter(isInTopicHere) : all;
}

export function isInTopicHere(message) {
  const thread = message.is_topic_message ? message.message_thread_id : null;
  return !chatHere()?.is_forum || thread === state.here.thread;
}

/** Look at a chat. In a private one its person speaks, in a group the one who spoke last. */
export function look(chatId, { user = null, thread = null } = {}) {
  const chat = state.chats.get(chatId);
  if (!chat) return;
  const speaker = chat.type === "private" ? chatId : (user ?? state.here.user ?? state.people[0]?.id);
  state.here = { chat: chatId, user: speaker, thread };
  state.unread.delete(chatId);
  const place = new URLSearchParams({ chat: chatId, user: speaker, ...(thread ? { thread } : {}) });
  history.replaceState(null, "", `#${place}`);
  emit("here");
  loadSession();
}

export async function loadSession() {
  state.session = null;
  if (state.status.running && state.here.chat != null) {
    const asked = state.here;
    const session = await connection.ask("session", asked).catch(() => null);
    if (asked !== state.here) return;
    state.session = session;
  }
  emit("session");
}

function begin(world) {
  const sameWorld = state.chats.size > 0;
  const { bot, status, people, faults } = world;
  Object.assign(state, { bot, status, people, faults });
  state.chats = new Map(world.chats.map((chat) => [chat.id, chat]));
  const byId = (messages) => new Map(messages.map((message) => [message.message_id, message]));
  const messages = Object.entries(world.messages);
  state.messages = new Map(messages.map(([id, list]) => [Number(id), byId(list)]));
  state.turns = new Map(world.turns.map((turn) => [turn.number, turn]));
  state.unread.clear();
  const place = new URLSearchParams(location.hash.slice(1));
  const wanted = Number(place.get("chat"));
  const chat = state.chats.has(wanted) ? wanted : world.chats[0]?.id;
  emit("world", sameWorld);
  look(chat, { user: Number(place.get("user")) || null, thread: Number(place.get("thread")) || null });
}

const changes = {
  world: begin,
  people({ people, faults }) {
    Object.assign(state, { people, faults });
    emit("people");
  },
  status({ running, broken, headline }) {
    state.status = { running, broken, headline };
    emit("status");
    if (running) loadSession();
  },
  chat({ chat }) {
    state.chats.set(chat.id, chat);
    emit("chat", chat);
  },
  message({ chat, message }) {
    const messages = state.messages.get(chat) ?? new Map();
    const isNew = !messages.has(message.message_id);
    messages.set(message.message_id, message);
    state.messages.set(chat, messages);
    if (isNew && chat !== state.here.chat) state.unread.set(chat, (state.unread.get(chat) ?? 0) + 1);
    emit("message", { chat, message, isNew });
  },
  deleted({ chat, message }) {
    state.messages.get(chat)?.delete(message);
    emit("deleted", { chat, message });
  },
  turn({ turn }) {
    state.turns.set(turn.number, turn);
    emit("turn", turn);
  },
  session({ session }) {
    if (session.key !== state.session?.key) return;
    state.session = session;
    emit("session");
  },
};

connection.addEventListener("change", ({ detail }) => {
  const change = changes[detail.type];
  if (change) change(detail);
  else emit(detail.type, detail);
});
for (const [event, connected] of Object.entries({ open: true, lost: false }))
  connection.addEventListener(event, () => {
    state.connected = connected;
    emit("connection");
  });
