// Places in the code as links that open an editor.

import { h } from "./dom.js";
import { setting } from "./settings.js";
import { state } from "./state.js";

/** The addresses by which editors open a file. */
export const EDITORS = {
  "VS Code": "vscode://file{path}:{line}",
  Cursor: "cursor://file{path}:{line}",
  Zed: "zed://file{path}:{line}",
  PyCharm: "pycharm://open?file={path}&line={line}",
  "Sublime Text": "subl://open?url=file://{path}&line={line}",
};

export const template = () => setting("editor") || EDITORS["VS Code"];

/** The address of a line; a path that is not whole is one in the project.
 *  @param {string} path
 *  @param {string} line */
export function addressOf(path, line) {
  const isWhole = /^([/\\]|[A-Za-z]:)/.test(path);
  const whole = (isWhole ? path : `${state.project.folder}/${path}`).replaceAll("\\", "/");
  const encoded = encodeURI(whole.startsWith("/") ? whole : `/${whole}`);
  return template().replace("{path}", encoded).replace("{line}", line);
}

/** `src/bot/app.py:12` as a link.
 *  @param {string | null} place */
export function placeLink(place) {
  const [, path, line] = /^(.*):(\d+)$/.exec(place ?? "") ?? [];
  if (!place || !path) return null;
  const parts = place.split(/(?<=\/)/).flatMap((part) => [h("wbr"), part]); // it breaks between folders only
  return h("a.place", { href: addressOf(path, line), title: "Open it in the editor" }, parts);
}

/** A traceback, in which the places are links.
 *  @param {string} text */
export function linked(text) {
  return text.split(/(File "[^"<]+", line \d+)/).map((piece) => {
    const found = /^File "([^"]+)", line (\d+)$/.exec(piece);
    return found ? h("a", { href: addressOf(found[1], found[2]) }, piece) : piece;
  });
}
