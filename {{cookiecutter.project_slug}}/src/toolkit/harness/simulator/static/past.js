// Old messages in groups that are laid out and painted only where they show, so that long chats stay quick.

import { h, part } from "./dom.js";
import { on, state } from "./state.js";

const GROUP = 40;
const log = part("#log");

/** Put the oldest of the loose messages into a group; tell whether there were enough of them. */
function fold() {
  if (log.childElementCount - log.querySelectorAll(":scope > .past").length < 2 * GROUP) return false;
  const old = [...log.querySelectorAll(":scope > :not(.past)")].slice(0, GROUP);
  if (old.some((each) => each.contains(document.activeElement))) return false;
  const height = old[GROUP - 1].getBoundingClientRect().bottom - old[0].getBoundingClientRect().top;
  // Its messages have been read out already.
  const group = h("div.past", { "aria-live": "off" });
  group.style.containIntrinsicHeight = `auto ${Math.round(height)}px`;
  old[0].before(group);
  group.append(...old);
  return true;
}

on("here", () => {
  while (fold());
});
on("message", ({ chat, isNew }) => isNew && chat === state.here.chat && fold());
