// Brings the parts of the page together.

import "./chats.js";
import "./chat.js";
import "./composer.js";
import "./attach.js";
import "./inline.js";
import "./session.js";
import "./tools.js";
import "./turns.js";
import { connection, emit, on } from "./state.js";

const app = document.querySelector("#app");

/** On a phone one of three screens shows; the inspector covers the chat on a tablet. */
on("screen", (name) => {
  const before = app.dataset.screen;
  app.dataset.screen = name;
  if (name === "inspector") document.querySelector("#close-inspector").focus();
  else if (name === "chats") document.querySelector("#chat-list button")?.focus();
  else if (before === "inspector") document.querySelector("#chat-header .not-desktop")?.focus();
});

document.querySelector("#close-inspector").addEventListener("click", () => emit("screen", "chat"));
document.querySelector("#back-to-chat").addEventListener("click", () => emit("screen", "chat"));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address keeps the chat on screen
  document.querySelector("#message").focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && app.dataset.screen === "inspector") emit("screen", "chat");
});

connection.open();
