// Builds the page. Text always becomes text nodes: nothing that a bot writes is markup.

/** The element of the page that `selector` finds; index.html has it.
 *  @param {string} selector
 *  @returns {HTMLElement} */
export function part(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return found;
}

/** `h("button.small", {onclick}, "Send", icon)`: an element with classes, properties and children.
 *  @param {string} tag
 *  @param {...any} children
 *  @returns {any} an element of that tag */
export function h(tag, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  if (isProperties(children[0])) {
    for (const [key, value] of Object.entries(children.shift())) set(element, key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

function isProperties(value) {
  return value != null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Node);
}

function set(element, key, value) {
  if (value == null || value === false) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key in element && typeof value !== "string") element[key] = value;
  else element.setAttribute(key, value === true ? "" : value);
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  attach: "m8 12.5 6-6a3 3 0 0 1 4.3 4.3l-8 8a5 5 0 0 1-7-7l7.5-7.5",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  back: "M15 5l-7 7 7 7",
  inspect: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  edit: "M5 19h3L19 8l-3-3L5 16v3Z",
  file: "M7 3h7l5 5v13H7V3Zm7 0v5h5",
  pin: "M12 21s7-6.5 7-12a7 7 0 0 0-14 0c0 5.5 7 12 7 12Zm0-9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 9a8 8 0 0 1 16 0",
  reply: "M10 6 4 12l6 6M4 12h9a7 7 0 0 1 7 7",
  save: "M5 4h11l3 3v13H5V4Zm3 0v5h7V4M8 20v-6h8v6",
  open: "M4 19V6h6l2 2h8v11H4Z",
  restart: "M20 12a8 8 0 1 1-2.5-5.8M20 3v4h-4",
  again: "M4 8h12l-3-3M20 16H8l3 3",
  card: "M3 6h18v12H3Zm0 4h18",
  play: "M7 4v16l13-8Z",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 4v4l3 2",
  contrast: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 0v16M12 8h3M12 12h4M12 16h3",
  copy: "M9 9h10v11H9V9ZM6 15H5V4h10v2",
  down: "M12 5v14m-6-6 6 6 6-6",
  keys: "M3 7h18v10H3V7Zm4 3h.01M11 10h.01M15 10h.01M8 14h8",
  broom: "M5 7h14M9 7V4h6v3m2 0-1 13H8L7 7",
};

/** A line icon; it says nothing to a screen reader, its button has a label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** `button(".small", "Reset", reset)`: a button with classes, a label, what it does, and other properties. */
export function button(classes, label, onclick, more = {}) {
  return h(`button${classes}`, { type: "button", onclick, ...more }, label);
}

/** A button that is only an icon. */
export function iconButton(name, label, onclick, classes = "") {
  return button(`.icon-button${classes}`, icon(name), onclick, { title: label, "aria-label": label });
}

/** Redraw `part`; the focus stays on what has the same `data-name`, or on the button in it. */
export function keepFocus(part, name, draw) {
  const { activeElement } = document;
  const focused = part.contains(activeElement) && activeElement?.closest(`[data-${name}]`);
  draw();
  const same = focused && part.querySelector(`[data-${name}="${CSS.escape(focused.dataset[name])}"]`);
  if (same) (same.querySelector("button") ?? same).focus();
}

const COLOURS = 7;

/** Which of a few colours a chat or a person has.
 *  @param {number} id */
export function colourOf(id) {
  return (Math.abs(id) + (id < 0 ? 3 : 0)) % COLOURS;
}

/** The initials of a chat or a person, on one of a few colours. */
export function avatar(name, id) {
  const words = name.split(/\s+/).filter(Boolean).slice(0, 2);
  const initials = words.map((word) => [...word][0].toLocaleUpperCase()).join("");
  return h(`span.avatar.colour-${colourOf(id)}`, { "aria-hidden": "true" }, initials || "?");
}

const HOURS = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

/** Hours and minutes of a Unix time. */
export function clock(seconds) {
  return HOURS.format(seconds * 1000);
}

/** A duration in a unit that needs no zeros. */
export function duration(seconds) {
  if (seconds == null) return "";
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const milliseconds = seconds * 1000;
  if (milliseconds < 0.1) return "under 0.1 ms";
  return milliseconds >= 10 ? `${Math.round(milliseconds)} ms` : `${milliseconds.toFixed(1)} ms`;
}

/** A path or a dotted name that is broken between its parts only, never in the middle of a word.
 *  @param {string} path
 *  @returns {(string | HTMLElement)[]} */
export function breakable(path) {
  return path.split(/(?<=[/.:_])/).flatMap((part) => [part, document.createElement("wbr")]);
}

export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
