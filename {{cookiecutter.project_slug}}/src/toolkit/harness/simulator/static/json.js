// JSON to read: indented, coloured, and with the characters shown that would hide or turn text around.

import { copyButton } from "./clipboard.js";
import { h } from "./dom.js";
import { linked } from "./editor.js";

const UNSEEN = /(?!\n)[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** `value` as a block of nodes. */
export function jsonBlock(value, label) {
  const text = h("pre.json", { tabindex: "0", "aria-label": label }, nodes(value, ""));
  return h(
    "div.copied",
    text,
    copyButton(`Copy: ${label}`, () => JSON.stringify(value, null, 2)),
  );
}

/** `value` on one line of plain text, shortened. */
export function jsonLine(value, longest = 60) {
  const text = visible(value === undefined ? "nothing" : JSON.stringify(value));
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

/** The same for a field of a session, in which moments are common: without microseconds. */
export function momentLine(value, longest = 400) {
  return jsonLine(value, longest).replace(/^"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d+/, '"$1 $2');
}

/** Text with every control and direction character written out. */
export function visible(text) {
  return text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An exception, folded. */
export function traceback(text) {
  return h("details", h("summary", "Traceback"), h("pre", { tabindex: "0" }, linked(visible(text))));
}

function nodes(value, indent) {
  if (value === null || typeof value !== "object") return scalar(value);
  const entries = Array.isArray(value) ? value.map((item) => [null, item]) : Object.entries(value);
  const [start, end] = Array.isArray(value) ? "[]" : "{}";
  if (!entries.length) return start + end;
  const deeper = `${indent}  `;
  const lines = entries.map(([key, item], index) => [
    `\n${deeper}`,
    key !== null && [h("span.json-key", visible(key)), ": "],
    nodes(item, deeper),
    index < entries.length - 1 ? "," : "",
  ]);
  return [start, lines, `\n${indent}${end}`];
}

function scalar(value) {
  if (typeof value === "string")
    return h("span.json-text", visible(JSON.stringify(value).replaceAll("\\n", "\n")));
  return h("span.json-other", String(value));
}
