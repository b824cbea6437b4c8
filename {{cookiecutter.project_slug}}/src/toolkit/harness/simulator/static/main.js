// Brings the parts of the page together.

import "./chats.js";
import "./chat.js";
import "./composer.js";
import "./attach.js";
import "./inline.js";
import "./session.js";
import "./tools.js";
import "./turns.js";
import "./people.js";
import "./strip.js";
import "./marks.js";
import "./past.js";
import "./timers.js";
import "./timeline.js";
import "./resize.js";
import "./context.js";
import "./keys.js";
import { part } from "./dom.js";
import { connection, emit, on } from "./state.js";

const app = part("#app");

/** @param {string} selector */
function focusOn(selector) {
  const found = document.querySelector(selector);
  if (found instanceof HTMLElement) found.focus();
}

/** On a phone one of three screens shows; the inspector covers the chat on a tablet. */
on("screen", (name) => {
  const before = app.dataset.screen;
  app.dataset.screen = name;
  if (name === "inspector") focusOn("#close-inspector");
  else if (name === "chats") focusOn("#chat-list button");
  else if (before === "inspector") focusOn("#chat-header .not-desktop");
});

part("#close-inspector").addEventListener("click", () => emit("screen", "chat"));
part("#back-to-chat").addEventListener("click", () => emit("screen", "chat"));
part(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address keeps the chat on screen
  part("#message").focus();
});
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && app.dataset.screen === "inspector") emit("screen", "chat");
});

connection.open();
