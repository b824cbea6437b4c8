// One message as a bubble: its author, what it answers, its media, its text, its buttons.

import { looksOf } from "./buttons.js";
import { contentOf } from "./contents.js";
import { button, clock, colourOf, h, icon, plural } from "./dom.js";
import { formatted } from "./entities.js";
import { mediaOf } from "./media.js";
import { price } from "./payments.js";

/** The element of a message. `actions`: `onTap(row, column, button, key)`, `onMenu(anchor)`, `onCommand(text)`,
 *  `onReply(id)`, `onVote(labels)`, `onReact(emoji)`; `reactions` are emoji with who has put them there,
 *  `me` is one of them; `chosen` are the options of a poll that were voted for; `named` shows the author. */
export function bubble(message, { isOwn, named, author, reactions, chosen, me, actions }) {
  const service = serviceText(message);
  if (service) return h("div.service", { id: idOf(message) }, h("bdi", service));
  const text = message.text ?? message.caption;
  const entities = message.entities ?? message.caption_entities;
  const label = `${isOwn ? "You" : author}, ${clock(message.date)}`;
  return h(
    `article.message${isOwn ? ".own" : ".theirs"}`,
    { id: idOf(message), "aria-label": label },
    h(
      "div.bubble",
      named &&
        h(`div.author.name-${colourOf((message.sender_chat ?? message.from)?.id ?? 0)}`, h("bdi", author)),
      forwardedFrom(message),
      message.reply_to_message && quoted(message.reply_to_message, actions.onReply),
      contentOf(message, { chosen, onVote: actions.onVote }) ?? mediaOf(message),
      text == null
        ? meta(message)
        : h("div.text", { dir: "auto" }, formatted(text, entities, actions.onCommand), meta(message)),
      reactions && reactionRow(reactions, me, actions.onReact),
    ),
    button(".icon-button.message-menu", icon("more"), (event) => actions.onMenu(event.currentTarget), {
      "aria-haspopup": "menu",
      "aria-label": `Actions on the message of ${label}`,
    }),
    keyboard(message, actions.onTap),
  );
}

function reactionRow(reactions, me, onReact) {
  const one = ([emoji, users]) =>
    button(".reaction", [emoji, users.length > 1 && ` ${users.length}`], () => onReact(emoji), {
      "aria-pressed": String(users.includes(me)),
      "aria-label": `${emoji} ${users.length}`,
      "data-key": `reaction ${emoji}`,
    });
  return h("div.reactions", Object.entries(reactions).map(one));
}

/** Floats beside the last line of the text if there is room. */
function meta(message) {
  return h("span.meta", h("bdi", message.edit_date && "edited ", h("time", clock(message.date))));
}

export function idOf(message) {
  return `message-${message.chat.id}-${message.message_id}`;
}

/** A message in one line, for lists and quotes. */
export function summary(message) {
  const text = message.text ?? message.caption;
  if (text) return text.replace(/\s+/g, " ").slice(0, 120);
  return serviceText(message) ?? MEDIA.find(([kind]) => kind in message)?.[1] ?? "Message";
}

const MEDIA = Object.entries({
  photo: "Photo",
  animation: "Animation",
  video: "Video",
  video_note: "Video message",
  voice: "Voice message",
  audio: "Audio",
  sticker: "Sticker",
  document: "File",
  venue: "Venue",
  location: "Location",
  contact: "Contact",
  poll: "Poll",
  dice: "Dice",
  invoice: "Invoice",
  game: "Game",
  checklist: "Checklist",
  paid_media: "Paid media",
});

function serviceText(message) {
  const who = message.from?.first_name ?? "Unknown";
  if (message.new_chat_members)
    return `${message.new_chat_members.map((user) => user.first_name).join(", ")} joined`;
  if (message.left_chat_member) return `${message.left_chat_member.first_name} left`;
  if (message.pinned_message) return `${who} pinned “${summary(message.pinned_message)}”`;
  if (message.forum_topic_created) return `${who} opened the topic “${message.forum_topic_created.name}”`;
  if (message.forum_topic_closed) return `${who} closed the topic`;
  if (message.forum_topic_reopened) return `${who} opened the topic again`;
  if (message.new_chat_title) return `${who} renamed the group to “${message.new_chat_title}”`;
  if (message.successful_payment) return `${who} paid ${price(message.successful_payment)}`;
  if (message.refunded_payment) return `${who} got ${price(message.refunded_payment)} back`;
  if (message.web_app_data) return `Data from [${message.web_app_data.button_text}] was sent to the bot`;
  if (message.users_shared) return `${who} chose ${plural(message.users_shared.users.length, "user")}`;
  if (message.chat_shared) return `${who} chose ${message.chat_shared.title ?? "a chat"}`;
  return null;
}

function forwardedFrom({ forward_origin: origin }) {
  if (!origin) return null;
  const name =
    origin.sender_user?.first_name ??
    origin.sender_user_name ??
    origin.chat?.title ??
    origin.sender_chat?.title;
  return h("div.forwarded", "Forwarded from ", h("bdi", name ?? "an unknown user"));
}

function quoted(message, onReply) {
  const author = message.from?.first_name ?? message.sender_chat?.title ?? "";
  const label = [h("strong", h("bdi", author)), h("span", { dir: "auto" }, summary(message))];
  return button(".quoted", label, () => onReply(message.message_id));
}

function keyboard(message, onTap) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows?.length) return null;
  const one = (data, row, column) =>
    button(".key", h("bdi", data.text), ({ currentTarget: key }) => onTap(row, column, data, key), {
      ...looksOf(data),
      "data-key": `${row}.${column}`,
    });
  const keys = rows.map((row, index) =>
    h("div.keys", ...row.map((data, column) => one(data, index, column))),
  );
  return h("div.keyboard", { role: "group", "aria-label": "Buttons" }, keys);
}
