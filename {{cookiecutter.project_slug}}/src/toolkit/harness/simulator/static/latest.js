// The way back to the newest message, for who has scrolled up.

import { button, h, icon, part } from "./dom.js";
import { isInTopicHere, on, state } from "./state.js";

const FAR = 240;
const log = part("#log");
let missed = 0;

const count = h("span.badge", { hidden: true });
const jump = button("", [icon("down"), count], toLatest, {
  title: "To the newest message",
  "aria-label": "To the newest message",
  hidden: true,
});
jump.id = "latest";
log.after(jump);

export function toLatest() {
  log.scrollTop = log.scrollHeight;
  update();
}

let isPlanned = false;

function updateSoon() {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(() => {
    isPlanned = false;
    update();
  });
}

function update() {
  const isFar = log.scrollHeight - log.scrollTop - log.clientHeight > FAR;
  if (!isFar) missed = 0;
  jump.hidden = !isFar;
  count.hidden = !missed;
  count.textContent = String(missed);
}

log.addEventListener("scroll", updateSoon, { passive: true });
on("here", () => {
  missed = 0;
  updateSoon();
});
on("message", ({ chat, message, isNew }) => {
  if (isNew && chat === state.here.chat && isInTopicHere(message)) missed += 1;
  updateSoon();
});
