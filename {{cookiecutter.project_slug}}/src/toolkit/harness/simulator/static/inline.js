// Inline mode: "@bot text" in the message box shows what the bot answers, above it.

import { button, h } from "./dom.js";
import { connection, emit, on, state } from "./state.js";

const input = /** @type {HTMLTextAreaElement} */ (document.querySelector("#message"));
const panel = /** @type {HTMLElement} */ (document.querySelector("#inline-results"));
const PAUSE_MS = 300;

let timer = 0;
let asked = "";

/** The text of an inline query in the box, or null. */
function queryIn() {
  const start = `@${state.bot.username} `;
  return input.value.toLowerCase().startsWith(start.toLowerCase()) ? input.value.slice(start.length) : null;
}

function look() {
  const text = queryIn();
  clearTimeout(timer);
  if (text === null) return close();
  timer = setTimeout(() => ask(text), PAUSE_MS);
}

function close() {
  asked = "";
  panel.hidden = true;
  panel.replaceChildren();
}

/** Ask the bot; results that come after the next question was asked are dropped.
 *  @param {string} text
 *  @param {string} offset */
async function ask(text, offset = "") {
  const mine = `${performance.now()} ${text}`;
  asked = mine;
  const { user, chat } = state.here;
  if (!offset) show([h("p.muted", "Asking…")]);
  let nodes;
  try {
    const answer = await connection.ask("ask_inline", { user, text, offset });
    nodes = listOf(answer, text, (result) => choose(answer.query, result, { user, chat }));
  } catch (error) {
    nodes = [h("p.muted", /** @type {Error} */ (error).message)];
  }
  if (mine === asked) show(nodes, offset !== "");
}

/** @param {Node[]} nodes
 *  @param {boolean} adds */
function show(nodes, adds = false) {
  panel.hidden = false;
  if (adds) panel.append(...nodes);
  else panel.replaceChildren(...nodes);
}

/** @param {any} answer
 *  @param {string} text
 *  @param {(result: any) => void} onChoose
 *  @returns {Node[]} */
function listOf({ results, next_offset: next, button: extra }, text, onChoose) {
  const more = (/** @type {any} */ event) => {
    event.currentTarget.remove();
    ask(text, next);
  };
  return [
    extra?.start_parameter && button(".inline-result", h("strong", extra.text), () => start(extra)),
    ...results.map((/** @type {any} */ result) => entry(result, () => onChoose(result))),
    !results.length && h("p.muted", "No results"),
    next && button(".link", "More results", more),
  ].filter(Boolean);
}

/** @param {any} result
 *  @param {() => void} onclick
 *  @returns {HTMLElement} */
function entry({ type, title, description, caption, url }, onclick) {
  const name = title ?? caption ?? `A ${type}`;
  const details = description ?? url ?? type;
  const text = h("span.card-text", h("strong", h("bdi", name)), h("span", h("bdi", details)));
  return button(".inline-result", text, onclick);
}

/** @param {{ start_parameter: string }} button */
function start({ start_parameter: parameter }) {
  emit("write", "");
  emit("look", { chat: state.here.user });
  connection.ask("say", { user: state.here.user, chat: state.here.user, text: `/start ${parameter}` });
}

/** @param {string} query
 *  @param {{ id: string | number }} result
 *  @param {{ user: number | null, chat: number | null }} place */
async function choose(query, result, place) {
  emit("write", "");
  try {
    await connection.ask("choose", { ...place, query, result: String(result.id) });
  } catch (error) {
    emit("toast", { text: /** @type {Error} */ (error).message, bad: true });
  }
}

input.addEventListener("input", look);
on("here", close);
