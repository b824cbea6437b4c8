// One message as a bubble: its author, what it answers, its media, its text, its buttons.

import { button, clock, colourOf, h, icon } from "./dom.js";
import { formatted } from "./entities.js";

/** The element of a message. `actions`: `onTap(row, column, button)`, `onMenu(anchor)`, `onCommand(text)`,
 *  `onReply(id)`; `reactions` are emoji; `named` shows the author. */
export function bubble(message, { isOwn, named, author, reactions, actions }) {
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
      media(message),
      text == null
        ? meta(message)
        : h("div.text", { dir: "auto" }, formatted(text, entities, actions.onCommand), meta(message)),
      reactions?.length > 0 && h("div.reactions", ...reactions.map((emoji) => h("span", emoji))),
    ),
    button(".icon-button.message-menu", icon("more"), (event) => actions.onMenu(event.currentTarget), {
      "aria-haspopup": "menu",
      "aria-label": `Actions on the message of ${label}`,
    }),
    keyboard(message, actions.onTap),
  );
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

function media(message) {
  if (message.photo) return picture(message.photo.at(-1), message.has_media_spoiler);
  const contact = message.contact;
  if (contact)
    return card("person", `${contact.first_name} ${contact.last_name ?? ""}`, contact.phone_number);
  const place = message.venue?.location ?? message.location;
  if (place) return card("pin", message.venue?.title ?? "Location", `${place.latitude}, ${place.longitude}`);
  if (message.poll) return poll(message.poll);
  const { invoice } = message;
  if (invoice) return card("file", invoice.title, `${invoice.description} · ${price(invoice)}`);
  if (message.dice) return h("div.big", `${message.dice.emoji} ${message.dice.value}`);
  if (message.sticker) return h("div.big", message.sticker.emoji ?? "Sticker");
  const found = MEDIA.find(([kind]) => typeof message[kind] === "object");
  return found && attachment(message[found[0]], found[1]);
}

function picture(photo, hidden) {
  const image = h("img.photo", {
    src: `/files/${encodeURIComponent(photo.file_id)}`,
    alt: "Photo",
    width: String(photo.width),
    height: String(photo.height),
    loading: "lazy",
    onerror: () => image.replaceWith(h("div.photo.missing", "Photo (its content is not here)")),
  });
  if (!hidden) return image;
  const label = { "aria-label": "Hidden photo: show it" };
  const cover = button(".covered", image, () => cover.replaceWith(image), label);
  return cover;
}

function attachment(file, kind) {
  const size = file.file_size == null ? "" : fileSize(file.file_size);
  const details = [file.file_name && kind, size].filter(Boolean).join(", ");
  const href = `/files/${encodeURIComponent(file.file_id)}`;
  const link = { href, download: file.file_name ?? "file" };
  return card("file", file.file_name ?? kind, details, "a.card", link);
}

function card(symbol, title, details, tag = "div.card", properties = {}) {
  const text = [h("strong", h("bdi", title)), h("span", h("bdi", details))];
  return h(tag, properties, icon(symbol), h("span.card-text", text));
}

function poll({ question, options, total_voter_count: total }) {
  const lines = options.map(({ text, voter_count: count }) =>
    h("li", h("bdi", text), h("span", `${count} of ${total}`)),
  );
  return h("div.poll", h("strong", h("bdi", question)), h("ul", lines));
}

function price({ currency, total_amount: amount }) {
  return currency === "XTR" ? `${amount} Stars` : `${(amount / 100).toFixed(2)} ${currency}`;
}

function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function keyboard(message, onTap) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows?.length) return null;
  const one = (data, row, column) =>
    button(data.url ? ".key.to-url" : ".key", h("bdi", data.text), () => onTap(row, column, data), {
      "data-key": `${row}.${column}`,
    });
  const keys = rows.map((row, index) =>
    h("div.keys", ...row.map((data, column) => one(data, index, column))),
  );
  return h("div.keyboard", { role: "group", "aria-label": "Buttons" }, keys);
}
