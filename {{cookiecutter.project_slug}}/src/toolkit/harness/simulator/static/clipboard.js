// Texts for the clipboard.

import { notice } from "./dialogs.js";
import { iconButton } from "./dom.js";

/** @param {string} text */
export function copy(text) {
  navigator.clipboard.writeText(text).then(
    () => notice("Copied."),
    () => notice(`To copy: ${text}`),
  );
}

/** A small button that copies what `read` returns.
 *  @param {string} label
 *  @param {() => string} read */
export function copyButton(label, read) {
  return iconButton("copy", label, () => copy(read()), ".copy");
}
