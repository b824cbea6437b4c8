// What the buttons of both keyboards do, and what those cannot that the simulator lacks.

import { copy } from "./clipboard.js";
import { askFor, confirm } from "./dialogs.js";
import { openAddress } from "./entities.js";
import { openMenu } from "./menu.js";
import { askToPay } from "./payments.js";
import { act, emit, request, state } from "./state.js";
import { openWebApp } from "./web_app.js";

const POLL = [
  { name: "question", label: "Question", required: true },
  ...[1, 2, 3, 4].map((number) => ({
    name: `option${number}`,
    label: `Option ${number}`,
    required: number < 3,
  })),
];
const KNOWN = [
  "text url callback_data pay web_app login_url copy_text callback_game switch_inline_query",
  "switch_inline_query_current_chat switch_inline_query_chosen_chat request_contact request_location",
  "request_users request_user request_chat request_poll style icon_custom_emoji_id",
];
const SUPPORTED = new Set(KNOWN.join(" ").split(" "));
/** @type {Record<string, string>} */
const MARKS = { url: "↗", login_url: "↗", web_app: "▢", copy_text: "copy", switch_inline_query: "↪" };

/** Why a button does nothing here, or null.
 *  @param {Record<string, unknown>} button
 *  @returns {string | null} */
export function limitOf(button) {
  const unknown = Object.keys(button).find((name) => !SUPPORTED.has(name));
  return unknown ? `${unknown} does nothing in the simulator` : null;
}

/** How a key looks and what it says of itself.
 *  @param {Record<string, unknown>} button
 *  @returns {Record<string, unknown>} */
export function looksOf(button) {
  const limit = limitOf(button);
  const kind = Object.keys(MARKS).find((name) => name in button);
  const mark = limit ? "⊘" : kind && MARKS[kind];
  const label = limit && `${button.text}: ${limit}`;
  return {
    disabled: Boolean(limit),
    title: limit,
    "aria-label": label,
    "data-mark": mark,
    "data-style": button.style,
  };
}

/** Tap a button under a message, other than one with callback data.
 *  @param {any} message
 *  @param {any} button
 *  @param {HTMLElement} key */
export function tapOther(message, button, key) {
  if (button.url) openLink(button.url);
  else if (button.copy_text) copy(button.copy_text.text);
  else if (button.pay) askToPay(key, message);
  else if (button.callback_game) act("play_game", { message: message.message_id });
  else if (button.web_app) openWebApp(button.text, button.web_app.url, true);
  else if (button.login_url) logIn(button.login_url.url);
  else if ("switch_inline_query_current_chat" in button) askInline(button.switch_inline_query_current_chat);
  else
    openMenu(
      key,
      chatsTo((chat) => askInlineIn(chat, button)),
    );
}

/** Press a key of the reply keyboard.
 *  @param {any} button
 *  @param {HTMLElement} key */
export function press(button, key) {
  const label = button.text;
  const answer = (/** @type {number[]} */ chosen) => act("answer_button", { label, chosen });
  if (button.web_app) openWebApp(label, button.web_app.url, false);
  else if (button.request_poll) newPoll();
  else if (button.request_chat)
    openMenu(
      key,
      groupsTo(button.request_chat, (id) => answer([id])),
    );
  else if (button.request_users ?? button.request_user) chooseUsers(button, key, answer);
  else act("press", { label });
}

/** Ask for a poll, and send it. */
export async function newPoll() {
  const { question, ...options } = (await askFor("New poll", POLL)) ?? {};
  if (question) act("send_poll", { question, options: Object.values(options), thread: state.here.thread });
}

/** A menu of all chats, each of which does something.
 *  @param {(id: number) => void} choose
 *  @returns {[string, () => void][]} */
export function chatsTo(choose) {
  return [...state.chats.values()].map(({ id, name }) => [name, () => choose(id)]);
}

/** @param {{ chat_is_channel?: boolean }} asked
 *  @param {(id: number) => void} choose
 *  @returns {[string, () => void][]} */
function groupsTo({ chat_is_channel: isChannel }, choose) {
  const fits = (/** @type {import("./state.js").BotObject} */ { type }) =>
    type !== "private" && (type === "channel") === Boolean(isChannel);
  /** @type {[string, () => void][]} */
  const found = [...state.chats.values()].filter(fits).map(({ id, name }) => [name, () => choose(id)]);
  return found.length ? found : [["There is no such chat yet", () => {}]];
}

/** @param {any} button
 *  @param {HTMLElement} key
 *  @param {(chosen: number[]) => void} answer */
async function chooseUsers(button, key, answer) {
  const { max_quantity: most } = button.request_users ?? button.request_user;
  const { people } = state;
  if (most === 1)
    return openMenu(
      key,
      people.map(({ id, name }) => [name, () => answer([id])]),
    );
  const fields = people.map(({ id, name }) => ({ name: String(id), label: name, type: "checkbox" }));
  const chosen = await askFor(button.text, fields);
  if (chosen) answer(people.map(({ id }) => id).filter((id) => chosen[id]));
}

/** A link to the bot itself is a start: nobody leaves the page for it.
 *  @param {string} address */
function openLink(address) {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isOwn = url?.hostname === "t.me" && url.pathname === `/${state.bot.username}`;
  if (isOwn && url.searchParams.has("start")) {
    emit("look", { chat: state.here.user });
    act("say", { text: `/start ${url.searchParams.get("start")}`.trim() });
  } else openAddress(address);
}

/** @param {string} url */
async function logIn(url) {
  const { host } = new URL(url);
  if (!(await confirm("Log in?", `${host} is told who you are, signed with the bot's token.`, "Log in")))
    return;
  const found = await request("log_in", { user: state.here.user, url });
  if (found) openAddress(found.url);
}

const askInline = (/** @type {string} */ text) => emit("write", `@${state.bot.username} ${text}`);

/** @param {number} chat
 *  @param {any} button */
function askInlineIn(chat, button) {
  emit("look", { chat });
  askInline(button.switch_inline_query ?? button.switch_inline_query_chosen_chat?.query ?? "");
}
