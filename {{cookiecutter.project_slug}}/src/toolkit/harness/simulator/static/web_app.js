// A web app in a frame. The page speaks with it as Telegram's web client does, so the script that Telegram gives
// to web apps works in it: https://core.telegram.org/bots/webapps

import { showAlert } from "./dialogs.js";
import { button, h, iconButton } from "./dom.js";
import { openAddress } from "./entities.js";
import { act, request, state } from "./state.js";

const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-modals";
const COLOURS = {
  bg_color: "--surface",
  secondary_bg_color: "--raised",
  text_color: "--text",
  hint_color: "--muted",
  link_color: "--accent",
  button_color: "--accent",
  button_text_color: "--on-accent",
};
/** What needs no answer, and changes nothing in a frame. */
const SILENT =
  /^(iframe_(ready|will_reload)|web_app_(ready|expand|set_|setup_(closing|settings|swipe)|trigger_haptic|(toggle|request)_(orientation|fullscreen|safe|content)))/;

/** Open the web app of a button; one of a reply keyboard may send data to the bot.
 *  @param {string} label
 *  @param {string} url
 *  @param {boolean} inline
 *  @returns {Promise<void>} */
export async function openWebApp(label, url, inline) {
  const { user, chat } = state.here;
  const found = await request("open_app", { user, chat, url, inline, theme: theme() });
  if (found) new WebApp(label, found.url, inline).show();
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    Object.entries(COLOURS).map(([name, variable]) => [name, style.getPropertyValue(variable).trim()]),
  );
}

class WebApp {
  /** @param {string} label
   *  @param {string} url
   *  @param {boolean} inline */
  constructor(label, url, inline) {
    this.label = label;
    this.inline = inline;
    this.frame = h("iframe", {
      src: url,
      sandbox: SANDBOX,
      title: `Web app: ${label}`,
      referrerpolicy: "no-referrer",
    });
    this.back = iconButton("back", "Back", () => this.post("back_button_pressed"));
    this.back.hidden = true;
    this.main = this.bottomButton("main_button_pressed", ".primary");
    this.secondary = this.bottomButton("secondary_button_pressed", "");
    this.limits = h("p.muted", { role: "status" });
    const close = iconButton("close", "Close the web app", () => this.dialog.close());
    this.dialog = h(
      "dialog.web-app",
      { "aria-label": label },
      h("header.bar", this.back, h("h2", h("bdi", label)), close),
      this.frame,
      h("footer", this.limits, this.secondary, this.main),
    );
  }

  /** @param {string} event
   *  @param {string} classes */
  bottomButton(event, classes) {
    return button(classes, "", () => this.post(event), { hidden: true });
  }

  show() {
    const listen = (/** @type {MessageEvent} */ event) =>
      event.source === this.frame.contentWindow && this.receive(event.data);
    window.addEventListener("message", listen);
    this.dialog.addEventListener("close", () => {
      window.removeEventListener("message", listen);
      this.dialog.remove();
    });
    document.body.append(this.dialog);
    this.dialog.showModal();
  }

  /** @param {string} eventType
   *  @param {object} eventData */
  post(eventType, eventData = {}) {
    this.frame.contentWindow?.postMessage(JSON.stringify({ eventType, eventData }), "*");
  }

  /** @param {string} text */
  receive(text) {
    /** @type {any} */
    let event = null;
    try {
      event = JSON.parse(text);
    } catch {
      return; // the app talks to somebody else
    }
    const data =
      typeof event?.eventData === "string" ? JSON.parse(event.eventData || "null") : event?.eventData;
    const handle = HANDLERS[event?.eventType];
    if (handle) handle(this, data ?? {});
    else if (event?.eventType && !SILENT.test(event.eventType)) this.limit(event.eventType);
  }

  /** Say what the app wanted that is not there.
   *  @param {string} what */
  limit(what) {
    this.limits.textContent = `${what} does nothing in the simulator.`;
  }

  /** @param {HTMLButtonElement} shown
   *  @param {any} look */
  setUp(shown, { is_visible: visible, is_active: active, text, is_progress_visible: busy }) {
    shown.hidden = !visible;
    shown.disabled = active === false || Boolean(busy);
    if (text) shown.textContent = text;
  }

  /** @param {string} data */
  async send(data) {
    if (this.inline) return this.limit("sendData, outside a reply keyboard,");
    this.dialog.close();
    await act("act", { kind: "webAppData", value: data, button: this.label });
  }

  /** @param {{ title: string, message: string, buttons: any[] }} popup */
  async popUp({ title, message, buttons }) {
    const closed = (await showAlert(message, title, buttons)) ?? "";
    this.post("popup_closed", closed ? { button_id: closed } : {});
  }

  viewport() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    this.post("viewport_changed", { width, height, is_expanded: true, is_state_stable: true });
  }
}

/** @type {Record<string, (app: WebApp, data: any) => void>} */
const HANDLERS = {
  web_app_data_send: (app, { data }) => app.send(data),
  web_app_close: (app) => app.dialog.close(),
  web_app_request_theme: (app) => app.post("theme_changed", { theme_params: theme() }),
  web_app_request_viewport: (app) => app.viewport(),
  web_app_setup_main_button: (app, data) => app.setUp(app.main, data),
  web_app_setup_secondary_button: (app, data) => app.setUp(app.secondary, data),
  web_app_setup_back_button: (app, data) => (app.back.hidden = !data.is_visible),
  web_app_open_popup: (app, data) => app.popUp(data),
  web_app_open_link: (_, { url }) => openAddress(url),
  web_app_open_tg_link: (_, { path_full: path }) => openAddress(`https://t.me${path}`),
};
