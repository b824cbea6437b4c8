// Brings the parts of the page together.

import "./chats.js";
import "./chat.js";
import "./composer.js";
import "./session.js";
import "./tools.js";
import "./turns.js";
import { connection, emit, on } from "./state.js";

const app = document.querySelector("#app");

/** On a phone one of three screens shows; the inspector covers the chat on a tablet. */
on("screen", (name) => {
  app.dataset.screen = name;
});

document.querySelector("#close-inspector").addEventListener("click", () => emit("screen", "chat"));
document.querySelector("#back-to-chat").addEventListener("click", () => emit("screen", "chat"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && app.dataset.screen === "inspector") emit("screen", "chat");
});

connection.open();
