// Message entities as elements: https://core.telegram.org/bots/api#messageentity
// Offsets count UTF-16 units, and so do JavaScript's strings.

import { button, h } from "./dom.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  mention: "span.mention",
  hashtag: "span.mention",
  cashtag: "span.mention",
  text_mention: "span.mention",
  phone_number: "span.mention",
};
const OPENED = new Set(["http:", "https:", "mailto:", "tel:", "tg:"]);

/** Nodes for `text`. `onCommand` is called with a bot command that is clicked. */
export function formatted(text, entities = [], onCommand = null) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return range(text, 0, text.length, sorted, onCommand);
}

function range(text, start, end, entities, onCommand) {
  const nodes = [];
  let at = start;
  for (let index = 0; index < entities.length; index++) {
    const entity = entities[index];
    const stop = Math.min(entity.offset + entity.length, end);
    if (entity.offset < at || stop <= entity.offset) continue;
    if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
    const inside = entities.slice(index + 1).filter((each) => each.offset < stop);
    nodes.push(
      element(
        entity,
        text.slice(entity.offset, stop),
        () => range(text, entity.offset, stop, inside, onCommand),
        onCommand,
      ),
    );
    at = stop;
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

function element(entity, text, children, onCommand) {
  switch (entity.type) {
    case "pre":
      return h("pre", entity.language && h("span.language", entity.language), h("code", text));
    case "text_link":
      return link(entity.url, children());
    case "url":
      return link(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`, children());
    case "email":
      return link(`mailto:${text}`, children());
    case "bot_command":
      return onCommand ? button(".command", text, () => onCommand(text)) : h("span.mention", text);
    case "spoiler":
      return spoiler(children());
    case "blockquote":
      return h("blockquote", children());
    case "expandable_blockquote":
      return expandable(children());
    default:
      return h(TAGS[entity.type] ?? "span", children());
  }
}

/** The URL of an address that may be opened, or null: a script is no address. */
function urlOf(address) {
  const url = URL.canParse(address) ? new URL(address) : null;
  return url && OPENED.has(url.protocol) ? url : null;
}

/** Open an address that a bot gave, in a new tab. */
export function openAddress(address) {
  const url = urlOf(address);
  if (url) window.open(url.href, "_blank", "noopener,noreferrer");
}

function link(address, children) {
  const url = urlOf(address);
  if (!url) return h("span", children);
  const { href } = url;
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, children);
}

function spoiler(children) {
  const text = h("span.spoiler-text", { "aria-hidden": "true" }, children);
  const show = () => {
    text.removeAttribute("aria-hidden");
    cover.replaceWith(text);
    text.classList.add("shown");
  };
  const cover = button(".spoiler", text, show, { "aria-label": "Hidden text: show it" });
  return cover;
}

function expandable(children) {
  const quote = h("blockquote.folded", children);
  const unfold = () => {
    const folded = quote.classList.toggle("folded");
    toggle.setAttribute("aria-expanded", String(!folded));
    toggle.textContent = folded ? "Show more" : "Show less";
  };
  const toggle = button(".link", "Show more", unfold, { "aria-expanded": "false" });
  return h("div", quote, toggle);
}
