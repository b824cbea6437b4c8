// Notices, questions, and the dialogs that save and open specs.

import { h, plural } from "./dom.js";
import { emit, on, request, state } from "./state.js";

const toasts = document.querySelector("#toasts");
const NOTICE_MS = 6000;

/** A short line above the chat, as the notices of answered taps are. */
export function notice(text, bad = false) {
  const toast = h(`div.toast${bad ? ".bad" : ""}`, { dir: "auto" }, text);
  toasts.append(toast);
  setTimeout(() => toast.remove(), NOTICE_MS);
}
on("toast", ({ text, bad }) => notice(text, bad));

/** A dialog with a heading; resolves with its return value when it is closed. */
function open(title, content, buttons) {
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
const cancel = () =>
  h(
    "button",
    { type: "button", onclick: (event) => event.target.closest("dialog").close("") },
    "Cancel",
  );

/** What an answered tap shows when it asks for an alert. */
export function showAlert(text) {
  return open(state.bot.name, h("p", { dir: "auto" }, text), [
    h("button.primary", { value: "ok", autofocus: true }, "OK"),
  ]);
}

export async function confirm(title, text, yes) {
  return (
    (await open(title, h("p", text), [
      cancel(),
      h("button.primary", { value: "yes", autofocus: true }, yes),
    ])) === "yes"
  );
}

/** Ask for some fields; resolves with an object, or with null when cancelled. */
export async function askFor(title, fields) {
  const inputs = fields.map(({ name, label, type = "text", ...more }) => {
    const input = h("input", { name, type, autocomplete: "off", ...more });
    return [
      input,
      h(
        `label.field${type === "checkbox" ? ".check" : ""}`,
        type === "checkbox" ? [input, label] : [label, input],
      ),
    ];
  });
  const answer = await open(
    title,
    inputs.map(([, label]) => label),
    [cancel(), h("button.primary", { value: "ok" }, "OK")],
  );
  if (answer !== "ok") return null;
  return Object.fromEntries(
    inputs.map(([input]) => [input.name, input.type === "checkbox" ? input.checked : input.value]),
  );
}

/** A name from what was done, good enough to begin with. */
function suggestedName(first) {
  const done = [...state.turns.values()].filter((turn) => turn.update && turn.number >= first);
  const said = done
    .slice(0, 3)
    .map((turn) => turn.title.replace(/^.*?(: | tapped )/, "").replace(/[[\]/]/g, ""));
  return said.join(", ").slice(0, 60) || "conversation";
}

on("save", async (first = 1) => {
  const name = h("input", {
    type: "text",
    required: true,
    value: suggestedName(first),
    autocomplete: "off",
  });
  const session = h("input", { type: "checkbox" });
  const verdict = h("div.verdict", { role: "status" });
  const path = h("code.muted");
  const preview = h("pre.preview-file", { tabindex: "0", "aria-label": "The spec" });
  const save = h("button.primary", { value: "save" }, "Save");
  let exists = false;
  let latest = 0;

  async function draw() {
    const asked = ++latest;
    verdict.className = "verdict";
    verdict.replaceChildren("Running it…");
    const draft = await request("draft", { name: name.value || " ", first, session: session.checked });
    if (asked !== latest) return;
    save.disabled = !draft;
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
  name.addEventListener("change", draw);
  session.addEventListener("change", draw);
  draw();
  const content = [
    h("label.field", "Name", name),
    path,
    h("label.field.check", session, "Also expect what each step changed in the session"),
    verdict,
    preview,
  ];
  if ((await open("Save as spec", content, [cancel(), save])) !== "save") return;
  const saved = await request("save", {
    name: name.value,
    first,
    session: session.checked,
    replace: exists,
  });
  if (saved) notice(`Saved ${saved}.`);
});

on("open", async () => {
  const specs = (await request("specs")) ?? [];
  const file = h("input", { type: "file", accept: ".json,.txt,application/json,text/plain" });
  const list = specs.map((spec, index) =>
    h(
      "li",
      h(
        "button.spec",
        { value: String(index) },
        h("strong", h("bdi", spec.name)),
        h("span", `${spec.file}, ${plural(spec.steps, "step")}`),
      ),
    ),
  );
  const content = [
    h(
      "p",
      "The conversation on screen makes way for the one that is opened; it is played into a new bot.",
    ),
    list.length ? h("ul.specs", list) : h("p.muted", "There are no specs in tests/specs yet."),
    h("label.field", "A file: a spec, or a message a line", file),
  ];
  const ready = h("button.primary", { value: "file", disabled: true }, "Open the file");
  file.addEventListener("change", () => (ready.disabled = !file.files.length));
  const choice = await open("Open a spec or a transcript", content, [cancel(), ready]);
  if (choice === "") return;
  const fields =
    choice === "file"
      ? { text: await file.files[0].text() }
      : { file: specs[choice].file, name: specs[choice].name };
  const result = await request("replay", fields);
  if (!result) return;
  const told = `Played ${plural(result.steps, "step")} of “${result.name}”: `;
  notice(
    told + (result.failed ? `${result.failed} did not go as expected.` : "all went as expected."),
    result.failed > 0,
  );
  emit("screen", "chat");
});
