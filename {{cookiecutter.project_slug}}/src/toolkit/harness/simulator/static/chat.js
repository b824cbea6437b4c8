// The conversation on screen: its header, its messages, what the bot is doing, its notices.

import { actsOn, extrasOf, react } from "./acts.js";
import { tapOther } from "./buttons.js";
import { copy } from "./clipboard.js";
import { notice, showAlert } from "./dialogs.js";
import { avatar, button, h, icon, iconButton, part } from "./dom.js";
import { formatted, openAddress } from "./entities.js";
import { traceback, visible } from "./json.js";
import { append, remove } from "./media.js";
import { openMenu } from "./menu.js";
import { bubble, idOf, summary } from "./message.js";
import { act, chatHere, emit, isInTopicHere, messagesHere, nameOf, on, request, state } from "./state.js";

const TYPING_MS = 5000; // https://core.telegram.org/bots/api#sendchataction
const header = part("#chat-header");
const banner = part("#banner");
const topics = part("#topics");
const pinned = part("#pinned");
const log = part("#log");
const activity = part("#activity");

let typingTimer = 0;

function drawHeader() {
  const chat = chatHere();
  if (!chat) return;
  const isPrivate = chat.type === "private";
  const name = isPrivate ? state.bot.name : chat.name;
  const kind = chat.type === "channel" ? "Channel" : `${state.people.length} people and the bot`;
  const members = [kind, chat.bot.status === "member" ? "" : ` (${chat.bot.status})`];
  const details = h("p", isPrivate ? ["as ", h("bdi", chat.name)] : members);
  header.replaceChildren(
    iconButton("back", "Chats", () => emit("screen", "chats"), ".only-phone"),
    avatar(name, isPrivate ? 4 : chat.id),
    h("div.chat-title", h("h2", h("bdi", name)), details),
    iconButton("more", "Actions on the chat", (event) => emit("chat-menu", event.currentTarget)),
    iconButton("inspect", "Inside the bot", () => emit("screen", "inspector"), ".not-desktop"),
  );
  document.title = `${chat.name} – ${state.project.name}`;
  drawTopics(chat);
  drawPinned(chat);
}

function drawTopics(chat) {
  topics.hidden = !chat.is_forum;
  const tab = (name, thread) =>
    button(".topic", h("bdi", name), () => emit("look", { chat: chat.id, thread }), {
      "aria-pressed": String(state.here.thread === thread),
    });
  topics.replaceChildren(
    tab("General", null),
    ...chat.topics.map((topic) => tab(topic.name, topic.id)),
    iconButton("plus", "New topic", () => emit("new-topic")),
  );
}

function drawPinned(chat) {
  const message = state.messages.get(chat.id)?.get(chat.pinned[0]);
  pinned.hidden = !message;
  if (!message) return;
  pinned.replaceChildren(icon("pin"), h("span", { dir: "auto" }, summary(message)));
  pinned.onclick = () => showMessage(message.message_id);
}

function drawAll() {
  const shown = messagesHere();
  log.replaceChildren();
  for (const [index, message] of shown.entries()) append(log, draw(message, shown[index - 1]), message);
  if (!shown.length) log.append(welcome());
  setActivity(null);
  atBottom = true;
  scrollDown();
}

function welcome() {
  const start = button(".primary", "Send /start", () => say("/start"));
  return h("div.welcome", h("p", "Nothing has been said here yet."), start);
}

function say(text) {
  act("say", { text, thread: state.here.thread });
}

/** @param {import("./state.js").BotObject} message
 *  @param {import("./state.js").BotObject | null} before */
function draw(message, before = null) {
  const author = message.sender_chat?.title ?? message.from?.first_name ?? "Unknown";
  const isOwn = message.from?.id === state.here.user;
  const sameAuthor = before?.from?.id === message.from?.id && before?.from;
  const { message_id: id } = message;
  const { reactions, chosen } = extrasOf(message);
  drawn.set(idOf(message), JSON.stringify(extrasOf(message)));
  return bubble(message, {
    isOwn,
    author,
    named: !isOwn && chatHere()?.type !== "private" && !sameAuthor,
    me: state.here.user,
    reactions,
    chosen,
    actions: {
      onTap: (row, column, button, key) => tap(message, row, column, button, key),
      onMenu: (anchor) => menu(message, anchor),
      onCommand: say,
      onReply: showMessage,
      onVote: (value) => act("act", { kind: "vote", value, message: id }),
      onReact: (emoji) => react(message, emoji),
    },
  });
}

const drawn = new Map();

/** Draw the messages again whose reactions or votes are others. */
function drawExtras() {
  for (const message of messagesHere()) {
    const old =
      drawn.get(idOf(message)) !== JSON.stringify(extrasOf(message)) && elementOf(message.message_id);
    if (old) replace(old, draw(message, before(message)));
  }
}

function before(message) {
  const shown = messagesHere();
  return shown[shown.findIndex((each) => each.message_id === message.message_id) - 1];
}

function tap(message, row, column, data, key) {
  if (data.callback_data === undefined) return tapOther(message, data, key);
  key.setAttribute("aria-busy", "true");
  act("tap", { message: message.message_id, row, column });
}

function elementOf(messageId) {
  return document.getElementById(`message-${state.here.chat}-${messageId}`);
}

function menu(message, anchor) {
  const turn = turnOf(message);
  const isOwn = message.from?.id === state.here.user;
  openMenu(anchor, [
    ["Reply", () => emit("reply", message)],
    isOwn && (message.text ?? message.caption) && ["Edit", () => emit("rewrite", message)],
    ["Copy text", () => copy(message.text ?? message.caption ?? "")],
    turn && ["Show what the bot did", () => emit("show-turn", turn.number)],
    turn?.returns && ["Restart from here", () => request("go_back", { turn: turn.number })],
    turn?.update && ["Save as spec from here", () => emit("save", turn.number)],
    ...actsOn(message, anchor),
  ]);
}

/** The turn that a message began, or the last one that sent or changed it. */
function turnOf({ chat, message_id: id }) {
  const sent = (call) => call.result?.message_id === id && call.result?.chat?.id === chat.id;
  return [...state.turns.values()]
    .reverse()
    .find((turn) => (turn.chat === chat.id && turn.message === id) || turn.calls.some(sent));
}

function showMessage(messageId) {
  const element = elementOf(messageId);
  if (!element) return;
  element.scrollIntoView({ block: "center", behavior: "smooth" });
  element.classList.remove("flash");
  void element.offsetWidth; // restarts the animation
  element.classList.add("flash");
}

// The newest message stays in view if it was: when others come, pictures load, keyboards open.

let atBottom = true;

let isScrolling = false;

/** Once in a frame: each time the whole chat is laid out for it. */
function scrollDown() {
  if (isScrolling) return;
  isScrolling = true;
  requestAnimationFrame(() => {
    isScrolling = false;
    log.scrollTop = log.scrollHeight;
  });
}

const stay = () => atBottom && scrollDown();
let heights = "";
log.onscroll = () => {
  // It also scrolls when a keyboard opens below or a picture loads: nobody has scrolled then.
  const before = heights;
  heights = `${log.scrollHeight} ${log.clientHeight}`;
  if (heights === before) atBottom = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  else stay();
};
log.addEventListener("load", stay, true);
new ResizeObserver(stay).observe(log);

function setActivity(content) {
  clearTimeout(typingTimer);
  activity.replaceChildren(...(content ? [content].flat() : []));
  activity.hidden = !content;
  if (content) typingTimer = setTimeout(() => setActivity(null), TYPING_MS);
}

const DOING = {
  typing: "is typing",
  upload_photo: "is sending a photo",
  record_video: "is recording a video",
  upload_video: "is sending a video",
  record_voice: "is recording a voice message",
  upload_voice: "is sending a voice message",
  upload_document: "is sending a file",
  choose_sticker: "is choosing a sticker",
  find_location: "is looking for a place",
  record_video_note: "is recording a video message",
  upload_video_note: "is sending a video message",
};

on("show-message", showMessage);
on("here people", drawHeader);
on("here", drawAll);
on("chat", (chat) => {
  if (chat.id !== state.here.chat) return;
  drawHeader();
  drawExtras();
  stay();
});
on("message", ({ chat, message, isNew }) => {
  if (chat !== state.here.chat || !isInTopicHere(message)) return;
  if (isNew && message.from?.id === state.here.user) atBottom = true;
  const old = document.getElementById(idOf(message));
  const element = draw(message, before(message));
  if (old) replace(old, element);
  else {
    log.querySelector(".welcome")?.remove();
    append(log, element, message);
  }
  if (message.from?.id !== state.here.user) setActivity(null);
  stay();
});

function replace(old, element) {
  // The focus stays on the message, on the button at the same place if there is one.
  const focused = old.contains(document.activeElement)
    ? /** @type {HTMLElement} */ (document.activeElement)
    : null;
  old.replaceWith(element);
  if (!focused) return;
  const same = focused.dataset.key && element.querySelector(`[data-key="${focused.dataset.key}"]`);
  (same || element.querySelector(".key") || element.querySelector(".message-menu"))?.focus();
}

on("deleted", ({ chat, message }) => chat === state.here.chat && remove(elementOf(message)));
on("action", ({ chat, text }) => {
  if (chat !== state.here.chat) return;
  if (!text) return setActivity(null);
  const dots = h("span.dots", h("i"), h("i"), h("i"));
  setActivity([dots, `${state.bot.name} ${DOING[text] ?? "is busy"}…`]);
});
on("draft", ({ chat, draft }) => {
  if (chat === state.here.chat)
    setActivity(h("div.text.draft", { dir: "auto" }, formatted(draft.text, draft.entities)));
  stay();
});

/** End the waiting of a message's buttons; tell whether one waited. */
function endWaiting(messageId) {
  const busy = elementOf(messageId)?.querySelectorAll("[aria-busy]") ?? [];
  for (const each of busy) each.removeAttribute("aria-busy");
  return busy.length > 0;
}

on("callback", ({ chat, user, message, text, alert, url }) => {
  if (chat !== state.here.chat) return;
  endWaiting(message);
  if (user !== state.here.user) return;
  if (url) openAddress(url);
  if (text && alert) showAlert(text);
  else if (text) notice(text);
});
on("turn", (turn) => {
  const query = turn.update?.callback_query;
  if (!turn.unanswered || turn.chat !== state.here.chat) return;
  if (!endWaiting(query.message.message_id)) return;
  const told = `${nameOf(query.from.id)}'s tap was never answered`;
  notice(`${told}, so on Telegram the button keeps turning: call answer() on the callback query.`, true);
});

function drawBanner() {
  const { running, broken, headline } = state.status;
  let content = [];
  if (!state.connected) content = ["The simulator has stopped. This page goes on as soon as it runs again."];
  else if (broken) {
    const what = running ? "The new code does not run, so the old one goes on" : "The bot does not start";
    content = [`${what}: `, h("code", visible(headline)), traceback(broken)];
  } else if (!running) content = ["The bot is starting…"];
  banner.hidden = !content.length;
  banner.classList.toggle("bad", Boolean(broken) || !state.connected);
  banner.replaceChildren(...content);
}
on("connection status world", drawBanner);
drawBanner();
