// The menu of what a person can send besides text.

import { newPoll } from "./buttons.js";
import { askFor } from "./dialogs.js";
import { openMenu } from "./menu.js";
import { act, state } from "./state.js";

const DICE = ["🎲", "🎯", "🏀", "⚽", "🎳", "🎰"];
const PLACE = [
  { name: "latitude", label: "Latitude", type: "number", step: "any", min: "-90", max: "90", value: "52.52" },
  {
    name: "longitude",
    label: "Longitude",
    type: "number",
    step: "any",
    min: "-180",
    max: "180",
    value: "13.405",
  },
];
const VOICE = [{ name: "duration", label: "Seconds", type: "number", min: "1", max: "3600", value: "3" }];

const anchor = /** @type {HTMLElement} */ (document.querySelector("#attach"));
const file = /** @type {HTMLInputElement} */ (document.querySelector("#file"));

anchor.addEventListener("click", () =>
  openMenu(anchor, [
    ["Photo, video or file", () => file.click()],
    ["A voice message", sendVoice],
    ["My contact", () => act("share", { what: "contact" })],
    ["A location", sendPlace],
    ["A poll", newPoll],
    [
      "A dice",
      () =>
        openMenu(
          anchor,
          DICE.map((emoji) => [emoji, () => throwDice(emoji)]),
        ),
    ],
  ]),
);

async function sendPlace() {
  const place = await askFor("A location", PLACE);
  if (!place) return;
  const [latitude, longitude] = [Number(place.latitude), Number(place.longitude)];
  act("act", { kind: "location", value: { latitude, longitude }, topicId: state.here.thread });
}

/** Its sound is silence: what a bot does with it depends on how long it is. */
async function sendVoice() {
  const answer = await askFor("A voice message", VOICE);
  const duration = Number(answer?.duration);
  if (duration) act("act", { kind: "voice", value: "voice.ogg", duration, topicId: state.here.thread });
}

/** @param {string} emoji */
function throwDice(emoji) {
  act("throw_dice", { emoji, thread: state.here.thread });
}
