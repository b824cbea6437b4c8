// Pictures, stickers, sound and video. What is no real medium is a card: the content of many a test.

import { button, h, icon } from "./dom.js";

/** @type {Record<string, string>} */
const KINDS = {
  animation: "Animation",
  video: "Video",
  video_note: "Video message",
  voice: "Voice message",
  audio: "Audio",
  document: "File",
};
const SOUND = new Set(["voice", "audio"]);

/** @typedef {{ file_id: string, file_size?: number, file_name?: string, duration?: number, title?: string,
 *    performer?: string, emoji?: string, width?: number, height?: number, is_video?: boolean,
 *    is_animated?: boolean }} Medium */

/** The medium of a message, or null.
 *  @param {any} message
 *  @returns {HTMLElement | null} */
export function mediaOf(message) {
  const hidden = message.has_media_spoiler;
  if (message.photo) return cover(picture(message.photo.at(-1)), hidden, "photo");
  if (message.sticker) return sticker(message.sticker);
  if (message.paid_media) return paid(message.paid_media);
  const kind = Object.keys(KINDS).find((each) => each in message);
  if (!kind) return null;
  const file = message[kind];
  if (kind === "document" || !file.file_size) return attachment(file, KINDS[kind]);
  return cover(player(file, kind), hidden, "video");
}

const addressOf = (/** @type {Medium} */ { file_id: id }) => `/files/${encodeURIComponent(id)}`;

/** @param {Medium} photo */
function picture(photo) {
  const missing = () => h("div.photo.missing", "Photo (its content is not here)");
  if (photo.file_size === 0) return missing();
  const image = h("img.photo", {
    src: addressOf(photo),
    alt: "Photo",
    width: String(photo.width),
    height: String(photo.height),
    loading: "lazy",
    onerror: () => image.replaceWith(missing()),
  });
  return image;
}

/** @param {HTMLElement} medium
 *  @param {boolean | undefined} hidden
 *  @param {string} what */
function cover(medium, hidden, what) {
  if (!hidden) return medium;
  const label = { "aria-label": `Hidden ${what}: show it` };
  const covered = button(".covered", medium, () => covered.replaceWith(medium), label);
  return covered;
}

/** @param {Medium} file */
function sticker(file) {
  const emoji = h("div.big", file.emoji ?? "Sticker");
  if (!file.file_size || file.is_animated) return emoji;
  const about = { src: addressOf(file), onerror: () => shown.replaceWith(emoji) };
  const still = {
    alt: `Sticker ${file.emoji ?? ""}`,
    width: String(file.width),
    height: String(file.height),
  };
  const shown = file.is_video
    ? h("video.sticker", { ...about, autoplay: true, loop: true, muted: true })
    : h("img.sticker", { ...about, ...still });
  return shown;
}

/** @param {Medium} file
 *  @param {string} kind */
function player(file, kind) {
  const isSound = SOUND.has(kind);
  const about = {
    controls: true,
    preload: "metadata",
    src: addressOf(file),
    "aria-label": nameOf(file, KINDS[kind]),
  };
  const size = isSound ? {} : { width: String(file.width ?? 240), height: String(file.height ?? 240) };
  const medium = h(isSound ? "audio" : `video.${kind}`, { ...about, ...size });
  const box = h("div.player", isSound && caption(file, KINDS[kind]), medium);
  medium.onerror = () => box.replaceWith(attachment(file, KINDS[kind]));
  return box;
}

/** @param {Medium} file
 *  @param {string} kind */
function nameOf({ title, performer, file_name: name }, kind) {
  return [performer, title].filter(Boolean).join(" – ") || (kind === "Voice message" ? kind : (name ?? kind));
}

/** @param {Medium} file
 *  @param {string} kind */
function caption(file, kind) {
  const length = file.duration ? time(file.duration) : "";
  return h(
    "span.card-text",
    h("strong", h("bdi", nameOf(file, kind))),
    h("span", [kind, length].filter(Boolean).join(", ")),
  );
}

/** @param {Medium} file
 *  @param {string} kind */
function attachment(file, kind) {
  const name = nameOf(file, kind);
  const length = file.duration ? time(file.duration) : "";
  const size = file.file_size == null ? "" : fileSize(file.file_size);
  const details = [name !== kind && kind, length, size].filter(Boolean).join(", ");
  const text = h("span.card-text", h("strong", h("bdi", name)), h("span", h("bdi", details)));
  const symbol = icon(kind === "File" ? "file" : "play");
  if (!file.file_size) return h("div.card", symbol, text);
  return h("a.card", { href: addressOf(file), download: file.file_name ?? "file" }, symbol, text);
}

/** @param {{ star_count: number, paid_media: any[] }} media */
function paid({ star_count: stars, paid_media: media }) {
  const text = h(
    "span.card-text",
    h("strong", "Paid media"),
    h("span", `${media.length} for ${stars} Stars`),
  );
  return h("div.card", icon("card"), text);
}

/** A duration as players write it: minutes and seconds.
 *  @param {number} seconds */
function time(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {number} bytes */
function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Append the element of a message; those of one album stand together.
 *  @param {ParentNode & { lastElementChild: Element | null }} log
 *  @param {HTMLElement} element
 *  @param {{ media_group_id?: string }} message */
export function append(log, element, { media_group_id: group }) {
  if (!group) return log.append(element);
  const last = /** @type {HTMLElement | null} */ (log.lastElementChild);
  if (last?.dataset.group === group) return last.append(element);
  const side = element.classList.contains("own") ? ".own" : ".theirs";
  log.append(h(`div.album${side}`, { "data-group": group }, element));
}

/** Remove the element of a message, and its album with the last one.
 *  @param {Element | null} element */
export function remove(element) {
  const album = element?.closest(".album");
  element?.remove();
  if (album && !album.childElementCount) album.remove();
}
