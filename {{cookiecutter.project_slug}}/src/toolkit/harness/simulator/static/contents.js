// Messages that are neither text nor media: places, contacts, polls, invoices, dice, games, checklists.

import { button, h, icon } from "./dom.js";
import { openAddress } from "./entities.js";
import { invoiceCard } from "./payments.js";
import { pollCard } from "./polls.js";

const REELS = ["BAR", "🍇", "🍋", "7"];

/** What a message holds besides text and media, or null.
 *  @param {any} message
 *  @param {{ chosen: number[], onVote: (labels: string[]) => void }} voting
 *  @returns {HTMLElement | null} */
export function contentOf(message, { chosen, onVote }) {
  const { contact, poll, invoice, dice, game, checklist } = message;
  if (contact)
    return card("person", `${contact.first_name} ${contact.last_name ?? ""}`, contact.phone_number);
  if (message.venue ?? message.location) return place(message);
  if (poll) return pollCard(poll, chosen, onVote);
  if (invoice) return invoiceCard(invoice);
  if (dice) return h("div.big", { "aria-label": `${dice.emoji} ${dice.value}` }, throwOf(dice));
  if (game) return card("play", game.title, game.description);
  if (checklist) return tasks(checklist);
  return null;
}

/** @param {string} symbol
 *  @param {string} title
 *  @param {string} details */
function card(symbol, title, details) {
  const text = [h("strong", h("bdi", title)), h("span.wrapped", h("bdi", details))];
  return h("div.card", icon(symbol), h("span.card-text", text));
}

/** @param {any} message */
function place({ venue, location }) {
  const { latitude, longitude, live_period: live } = venue?.location ?? location;
  const where = `${latitude}, ${longitude}`;
  const details = venue ? venue.address : where;
  const shown = card("pin", venue?.title ?? (live ? "Live location" : "Location"), details);
  const map = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  shown.append(button(".small", "Map ↗", () => openAddress(map), { "aria-label": `Map of ${where}` }));
  return shown;
}

/** A thrown dice: three reels are one number.
 *  @param {{ emoji: string, value: number }} dice */
function throwOf({ emoji, value }) {
  if (emoji !== "🎰") return `${emoji} ${value}`;
  return [0, 2, 4].map((shift) => REELS[((value - 1) >> shift) & 3]).join(" ");
}

/** @param {{ title: string, tasks: { text: string, completion_date?: number }[] }} checklist */
function tasks({ title, tasks: list }) {
  const line = (/** @type {typeof list[number]} */ { text, completion_date: done }) =>
    h("li", `${done ? "☑" : "☐"} `, h("bdi", text));
  return h("div.poll", h("strong", h("bdi", title)), h("ul", list.map(line)));
}
