// What this browser remembers of how the page looks: theme, editor, sizes.

import { iconButton, part } from "./dom.js";

/** @param {string} name
 *  @returns {string | null} */
export function setting(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage is off in this browser
  }
}

/** @param {string} name
 *  @param {string} value */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // it lasts as long as the page, then
  }
}

/** From light to dark, or back; what the system wants is where it begins. */
export function switchTheme() {
  const root = document.documentElement;
  const isDark = getComputedStyle(root).getPropertyValue("--is-dark").trim() === "1";
  root.dataset.theme = isDark ? "light" : "dark";
  remember("theme", root.dataset.theme);
}

part("#tools").prepend(iconButton("contrast", "Light or dark", switchTheme));
