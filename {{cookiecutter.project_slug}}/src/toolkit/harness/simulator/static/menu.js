// A small menu at a button: arrow keys move, Escape leaves.

import { button, h } from "./dom.js";

let close = () => {};
/** @type {{x: number, y: number} | null} */
let point = null;

/** Let the menu that `open` opens stand where a right click was.
 *  @param {number} x
 *  @param {number} y
 *  @param {() => void} open */
export function openAt(x, y, open) {
  point = { x, y };
  open();
  point = null;
}

/** Open a menu of `[label, action]` pairs at `anchor`; falsy items are left out. */
export function openMenu(anchor, items) {
  close();
  const buttons = items.filter(Boolean).map(([label, action]) => {
    const choose = () => {
      close();
      action();
    };
    return button("", label, choose, { role: "menuitem", tabindex: "-1" });
  });
  const menu = h("div.menu", { role: "menu", onkeydown: keys }, buttons);
  document.body.append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const outside = (event) => menu.contains(event.target) || close();
  document.addEventListener("pointerdown", outside);
  close = () => {
    close = () => {};
    document.removeEventListener("pointerdown", outside);
    const hadFocus = menu.contains(document.activeElement);
    menu.remove();
    anchor.removeAttribute("aria-expanded");
    if (hadFocus) anchor.focus();
  };
  buttons[0].focus();

  function keys(event) {
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to !== undefined) buttons.at(to % buttons.length).focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  }
}

function place(menu, anchor) {
  const { left, right, top, bottom } = point
    ? new DOMRect(point.x, point.y, 0, 0)
    : anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const x = left + width > innerWidth - 8 ? right - width : left;
  const y = bottom + height > innerHeight - 8 ? top - height : bottom;
  menu.style.left = `${Math.max(8, x)}px`;
  menu.style.top = `${Math.max(8, y)}px`;
}
