// Files on their way to the bot: chosen, dropped anywhere on the page, or pasted.

import { emit, state } from "./state.js";

/** @type {Record<string, string>} */
const KINDS = {
  "image/gif": "animation",
  "image/webp": "sticker",
  "audio/ogg": "voice",
  "application/ogg": "voice",
};
const PICTURES = new Set(["photo", "sticker", "animation"]);
/** @type {Record<string, string>} */
const KIND_OF = { image: "photo", video: "video", audio: "audio" };

/** Send files to the chat on screen, in their order: several at once become an album, if they are alike.
 *  @param {File[]} files
 *  @returns {Promise<void>} */
export async function sendFiles(files) {
  if (!files.length) return;
  const { user, chat, thread } = state.here;
  const form = new FormData();
  for (const [name, value] of Object.entries({ user, chat, thread: thread ?? "" }))
    form.append(name, String(value));
  const known = await Promise.all(files.map(aboutOf));
  for (const [index, file] of files.entries()) {
    form.append("about", JSON.stringify(known[index]));
    form.append("file", file, file.name);
  }
  const response = await fetch("/files", { method: "POST", body: form });
  if (response.ok) return;
  const isRefused = response.headers.get("Content-Type")?.startsWith("application/json");
  const text = isRefused ? (await response.json()).error : "That is too large: 20 MB are the most.";
  emit("toast", { text, bad: true });
}

/** What is known of a file: its kind, and of a medium its size and duration.
 *  @param {File} file
 *  @returns {Promise<Record<string, string | number>>} */
async function aboutOf(file) {
  const kind = KINDS[file.type] ?? KIND_OF[file.type.split("/")[0]] ?? "document";
  /** @type {Record<string, string>} */
  const about = { kind };
  if (kind === "audio") about.title = file.name.replace(/\.\w+$/, "");
  if (kind === "document") return about;
  const measured = PICTURES.has(kind) ? sizeOf(file) : lengthOf(file);
  return { ...about, ...(await measured.catch(() => ({}))) };
}

/** @param {File} file
 *  @returns {Promise<Record<string, number>>} */
async function sizeOf(file) {
  const { width, height } = await createImageBitmap(file);
  return { width, height };
}

/** @param {File} file
 *  @returns {Promise<Record<string, number>>} */
async function lengthOf(file) {
  const medium = document.createElement("video");
  const address = URL.createObjectURL(file);
  medium.src = address;
  await new Promise((resolve, reject) => {
    medium.onloadedmetadata = resolve;
    medium.onerror = reject;
  }).finally(() => URL.revokeObjectURL(address));
  const duration = Number.isFinite(medium.duration) ? Math.round(medium.duration) : 0;
  return { duration, width: medium.videoWidth, height: medium.videoHeight };
}

const carriesFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");

// Wherever it is dropped: else the browser would leave the page and open the file.
document.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  sendFiles([...(event.dataTransfer?.files ?? [])]);
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  sendFiles(files);
});
