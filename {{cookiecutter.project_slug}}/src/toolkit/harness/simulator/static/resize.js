// Dividers that are dragged, or moved with the arrow keys; the browser remembers where they stand.

import { part } from "./dom.js";
import { remember, setting } from "./settings.js";

const STEP = 24;

/** Let a divider set the size in pixels of what stands after it, to the right or below.
 *  @param {string} selector
 *  @param {{variable: string, axis: "x" | "y", least: number, most: () => number, sized: string}} how */
function divider(selector, { variable, axis, least, most, sized }) {
  const handle = part(selector);
  const target = part(sized);
  const read = () => (axis === "x" ? target.offsetWidth : target.offsetHeight);

  /** @param {number} size */
  const set = (size) => {
    const fits = Math.round(Math.max(least, Math.min(size, most())));
    document.documentElement.style.setProperty(variable, `${fits}px`);
    handle.setAttribute("aria-valuenow", String(fits));
    remember(variable, String(fits));
  };

  handle.setAttribute("aria-valuemin", String(least));
  handle.setAttribute("aria-valuenow", String(read()));
  const before = Number(setting(variable));
  if (before) set(before);

  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const { right, bottom } = target.getBoundingClientRect();
    /** @param {PointerEvent} moved */
    const move = (moved) => set(axis === "x" ? right - moved.clientX : bottom - moved.clientY);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), {
      once: true,
    });
  });
  handle.addEventListener("keydown", (event) => {
    const keys = axis === "x" ? ["ArrowRight", "ArrowLeft"] : ["ArrowDown", "ArrowUp"];
    const way = keys.indexOf(event.key);
    if (way < 0) return;
    event.preventDefault();
    set(read() + (way ? STEP : -STEP));
  });
}

divider("#inspector-divider", {
  variable: "--inspector",
  axis: "x",
  least: 320,
  most: () => innerWidth * 0.6,
  sized: "#inspector",
});
divider("#pane-divider", {
  variable: "--memory",
  axis: "y",
  least: 96,
  most: () => part("#inspector").offsetHeight - 320,
  sized: "#memory",
});
