// What is known about the simulation, and where this window looks. Views listen for what they show.

import { Connection } from "./connection.js";

export const connection = new Connection();

/** An object of the Bot API, as Telegram writes it.
 *  @typedef {Record<string, any>} BotObject */
/** A call of the bot, with its result or Telegram's error.
 *  @typedef {{method: string, payload: BotObject, result: any, at: number,
 *    error: {code: number | null, description: string, retry_after?: number} | null}} Call */
/** An update and what came of it; what `simulator/turns.py` calls so.
 *  @typedef {{number: number, title: string, at: number, update: BotObject | null, key: string | null,
 *    chat: number | null, message: number | null, unanswered: boolean, returns: boolean, done: boolean,
 *    handler: string | null, place: string | null, handler_seconds: number | null, seconds: number | null,
 *    calls: Call[], changes: {name: string, was: any, is: any}[], error: string | null, again: boolean,
 *    logs: {level: string, logger: string, text: string}[], verdict: string | null}} Turn */
/** What the bot remembers under `key`; what `simulator/session_view.py` shows.
 *  @typedef {{key: string, stored: boolean, fields: BotObject[], fsm: BotObject, talk: BotObject | null,
 *    problem?: string, record?: any}} Session */
/** What is on screen: a chat, who speaks in it, and its topic.
 *  @typedef {{chat: number | null, user: number | null, thread: number | null}} Place */

export const state = {
  connected: false,
  bot: { name: "Bot", username: "" },
  project: { name: "", folder: "" },
  /** @type {Record<string, string[]>} */
  rights: {},
  /** @type {{running: boolean, broken: string | null, headline?: string}} */
  status: { running: false, broken: null },
  /** @type {BotObject[]} */
  people: [],
  /** @type {BotObject} */
  faults: { blocked: [] },
  /** @type {Map<number | null, BotObject>} */
  chats: new Map(),
  /** @type {Map<number | null, Map<number, BotObject>>} */
  messages: new Map(),
  /** @type {Map<number, Turn>} */
  turns: new Map(),
  /** @type {Session | null} */
  session: null,
  /** @type {Map<number, number>} */
  unread: new Map(),
  /** @type {Place} */
  here: { chat: null, user: null, thread: null },
};

/** @type {Map<string, ((detail?: any) => void)[]>} */
const listeners = new Map();

/** Call `listener` whenever one of the `kinds` of change happens.
 *  @param {string} kinds
 *  @param {(detail?: any) => void} listener */
export function on(kinds, listener) {
  for (const kind of kinds.split(" ")) {
    listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
  }
}

/** @param {string} kind
 *  @param {any} [detail] */
export function emit(kind, detail) {
  for (const listener of listeners.get(kind) ?? []) listener(detail);
}

/** Do something on the simulator as the person on screen; refusals are shown.
 *  @param {string} what
 *  @param {Record<string, unknown>} fields
 *  @returns {Promise<any>} */
export async function act(what, fields = {}) {
  const { user, chat } = state.here;
  return request(what, { user, chat, ...fields });
}

/** @param {string} what
 *  @param {Record<string, unknown>} fields
 *  @returns {Promise<any>} */
export async function request(what, fields = {}) {
  try {
    return await connection.ask(what, fields);
  } catch (error) {
    emit("toast", { text: error instanceof Error ? error.message : String(error), bad: true });
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

/** Look at a chat. In a private one its person speaks, in a group the one who spoke last.
 *  @param {number} chatId
 *  @param {{user?: number | null, thread?: number | null}} place */
export function look(chatId, { user = null, thread = null } = {}) {
  const chat = state.chats.get(chatId);
  if (!chat) return;
  const speaker = chat.type === "private" ? chatId : (user ?? state.here.user ?? state.people[0]?.id);
  state.here = { chat: chatId, user: speaker, thread };
  state.unread.delete(chatId);
  const place = new URLSearchParams({ chat: String(chatId), user: String(speaker) });
  if (thread) place.set("thread", String(thread));
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
  const { bot, project, rights, status, people, faults } = world;
  Object.assign(state, { bot, project, rights, status, people, faults });
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

connection.addEventListener("change", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const change = changes[detail.type];
  if (change) change(detail);
  else emit(detail.type, detail);
});
for (const [event, connected] of Object.entries({ open: true, lost: false }))
  connection.addEventListener(event, () => {
    state.connected = connected;
    emit("connection");
  });
