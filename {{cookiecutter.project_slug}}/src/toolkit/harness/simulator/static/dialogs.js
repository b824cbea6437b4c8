// Notices, questions, and the dialogs that save and open specs.

import { button, h, iconButton, part, plural } from "./dom.js";
import { emit, on, request, state } from "./state.js";

const toasts = part("#toasts");
const NOTICE_MS = 6000;
const MOST_NOTICES = 3;

/** A short line above the chat, as the notices of answered taps are. */
export function notice(text, bad = false) {
  const close = () => toast.remove();
  const toast = h(
    `div.toast${bad ? ".bad" : ""}`,
    h("span", { dir: "auto" }, text),
    iconButton("close", "Dismiss", close),
  );
  for (const each of toasts.children) if (each.textContent === text) each.remove();
  toasts.append(toast);
  while (toasts.childElementCount > MOST_NOTICES) toasts.firstElementChild?.remove();
  setTimeout(close, NOTICE_MS);
}
on("toast", ({ text, bad }) => notice(text, bad));

/** A dialog with a heading; resolves with its return value when it is closed.
 *  @param {string} title
 *  @param {any} content
 *  @param {any} buttons
 *  @returns {Promise<string>} */
export function open(title, content, buttons) {
  const dialog = h(
    "dialog",
    { "aria-label": title },
    h("form", { method: "dialog" }, h("h2", title), content, h("div.dialog-buttons", buttons)),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

// Not a submit button: Enter takes the first of those.
export const cancel = () => button("", "Cancel", (event) => event.target.closest("dialog").close(""));
export const submit = (value, label, more = {}) => h("button.primary", { value, ...more }, label);

/** What an answered tap shows when it asks for an alert; resolves with the id of the button.
 *  @param {string} text
 *  @param {string} [title]
 *  @param {{ id: string, type?: string, text?: string }[]} [buttons]
 *  @returns {Promise<string>} */
export function showAlert(text, title = state.bot.name, buttons = [{ id: "ok", text: "OK" }]) {
  const content = h("p", { dir: "auto" }, text);
  return open(
    title || state.bot.name,
    content,
    buttons.map((each) => submit(each.id, each.text ?? NAMES[each.type])),
  );
}
/** Buttons of a web app's popup that need no text of their own. */
const NAMES = { ok: "OK", close: "Close", cancel: "Cancel" };

export async function confirm(title, text, yes) {
  const buttons = [cancel(), submit("yes", yes, { autofocus: true })];
  return (await open(title, h("p", text), buttons)) === "yes";
}

/** Ask for some fields; resolves with an object, or with null when cancelled. */
export async function askFor(title, fields) {
  const inputs = fields.map(({ label, type = "text", ...more }) =>
    h("input", { type, autocomplete: "off", ...more }),
  );
  const content = inputs.map((input, index) => field(fields[index].label, input));
  if ((await open(title, content, [cancel(), submit("ok", "OK")])) !== "ok") return null;
  const answerOf = ({ type, checked, value }) => (type === "checkbox" ? checked : value);
  return Object.fromEntries(inputs.map((input) => [input.name, answerOf(input)]));
}

export function field(label, input) {
  const isCheck = input.type === "checkbox";
  return isCheck ? h("label.field.check", input, label) : h("label.field", label, input);
}

/** A name from what was done, good enough to begin with. */
function suggestedName(first) {
  const done = [...state.turns.values()].filter((turn) => turn.update && turn.number >= first);
  const saidIn = ({ title }) => title.replace(/^.*?(: | tapped )/, "").replace(/[[\]/]/g, "");
  const said = done.slice(0, 3).map(saidIn);
  return said.join(", ").slice(0, 60) || "conversation";
}

on("save", async (first = 1) => {
  const value = suggestedName(first);
  const name = h("input", { type: "text", required: true, value, autocomplete: "off" });
  const session = h("input", { type: "checkbox" });
  const verdict = h("div.verdict", { role: "status" });
  const path = h("code.muted");
  const preview = h("pre.preview-file", { tabindex: "0", "aria-label": "The spec" });
  const save = submit("save", "Save");
  const findings = h("div.findings", { role: "status" });
  const check = button("", "Check", ask);
  const choice = () => ({ name: name.value || " ", first, session: session.checked });
  let exists = false;
  let latest = 0;

  async function draw() {
    const asked = ++latest;
    findings.replaceChildren();
    verdict.className = "verdict";
    verdict.replaceChildren("Running it…");
    const draft = await request("draft", choice());
    if (asked !== latest) return;
    save.disabled = !draft;
    check.disabled = !draft || draft.failure != null;
    if (!draft) return verdict.replaceChildren();
    exists = draft.exists;
    save.textContent = exists ? "Replace" : "Save";
    path.textContent = exists ? `${draft.path} (exists already)` : draft.path;
    preview.textContent = draft.text;
    verdict.classList.add(draft.failure ? "bad" : "good");
    verdict.replaceChildren(
      h("strong", draft.failure ? "It fails when it is run:" : "It passes when it is run."),
      ...(draft.failure ? [h("pre", { tabindex: "0" }, draft.failure)] : []),
      ...draft.warnings.map((warning) => h("p", warning)),
    );
  }

  /** What the hard gate says: which mistakes of the bot the spec would miss, and what is wrong. */
  async function ask() {
    const asked = latest;
    check.disabled = true;
    findings.replaceChildren("Checking it…");
    const found = await request("check", choice());
    if (asked !== latest) return;
    check.disabled = false;
    if (!found) return findings.replaceChildren();
    const { noticed, changes, failures } = found;
    const list = failures.map(({ step, why, fix }) =>
      h("li", h("span", step ? `Step ${step}: ${why}` : why), h("code", fix)),
    );
    findings.replaceChildren(
      h("strong", `It notices ${noticed} of ${plural(changes, "mistake")} that the bot could make.`),
      list.length ? h("ul", { tabindex: "0", "aria-label": "What to do about it" }, list) : "",
    );
  }
  name.onchange = session.onchange = draw;
  draw();
  const content = [
    field("Name", name),
    path,
    field("Also expect what each step changed in the session", session),
    verdict,
    findings,
    preview,
  ];
  if ((await open("Save as spec", content, [cancel(), check, save])) !== "save") return;
  const saved = await request("save", { ...choice(), replace: exists });
  if (saved) notice(`Saved ${saved}.`);
});

on("open", async () => {
  const specs = (await request("specs")) ?? [];
  const file = h("input", { type: "file", accept: ".json,.txt,application/json,text/plain" });
  const list = specs.map((spec, index) => {
    const details = h("span", `${spec.file}, ${plural(spec.steps, "step")}`);
    return h("li", h("button.spec", { value: String(index) }, h("strong", h("bdi", spec.name)), details));
  });
  const content = [
    h("p", "The opened conversation is played into a new bot, in place of the one on screen."),
    list.length ? h("ul.specs", list) : h("p.muted", "There are no specs in tests/specs yet."),
    field("A file: a spec, or one message per line", file),
  ];
  const ready = submit("file", "Open the file", { disabled: true });
  file.onchange = () => (ready.disabled = !file.files.length);
  const choice = await open("Open a spec or a transcript", content, [cancel(), ready]);
  if (choice === "") return;
  const fields =
    choice === "file"
      ? { text: await file.files[0].text() }
      : { file: specs[choice].file, name: specs[choice].name };
  const result = await request("replay", fields);
  if (!result) return;
  const { name, steps, failed } = result;
  const verdict = failed ? `${failed} did not go as expected.` : "all went as expected.";
  notice(`Played ${plural(steps, "step")} of “${name}”: ${verdict}`, failed > 0);
  emit("screen", "chat");
});
