// Polls and quizzes: options to vote for, then how all have voted.

import { button, h, plural } from "./dom.js";

/** @typedef {{ text: string, voter_count: number }} Option
 *  @typedef {{ question: string, options: Option[], total_voter_count: number, is_closed: boolean,
 *    is_anonymous: boolean, type: string, allows_multiple_answers: boolean, allows_revoting: boolean,
 *    correct_option_ids?: number[], explanation?: string }} Poll */

/** A poll as the person sees it who has voted for the options `chosen`, or not yet.
 *  @param {Poll} poll
 *  @param {number[]} chosen
 *  @param {(labels: string[]) => void} onVote
 *  @returns {HTMLElement} */
export function pollCard(poll, chosen, onVote) {
  const isOver = poll.is_closed || chosen.length > 0;
  const body = isOver
    ? results(poll, chosen)
    : poll.allows_multiple_answers
      ? many(poll, onVote)
      : one(poll, onVote);
  const canRetract = chosen.length > 0 && poll.allows_revoting && !poll.is_closed;
  return h(
    "div.poll",
    h("strong", h("bdi", poll.question)),
    h("span.poll-kind", kindOf(poll)),
    body,
    isOver && poll.explanation && h("p.poll-kind", h("bdi", poll.explanation)),
    h("span.poll-kind", plural(poll.total_voter_count, "vote")),
    canRetract && button(".link", "Retract vote", () => onVote([]), { "data-key": "retract" }),
  );
}

/** @param {Poll} poll */
function kindOf({ is_closed: isClosed, is_anonymous: isAnonymous, type }) {
  if (isClosed) return "Final results";
  return `${isAnonymous ? "Anonymous" : "Public"} ${type === "quiz" ? "quiz" : "poll"}`;
}

/** @param {Poll} poll
 *  @param {(labels: string[]) => void} onVote */
function one({ options }, onVote) {
  const choice = (/** @type {Option} */ { text }, /** @type {number} */ index) =>
    h(
      "li",
      button(".option", h("bdi", text), () => onVote([text]), { "data-key": `vote.${index}` }),
    );
  return h("ul", options.map(choice));
}

/** @param {Poll} poll
 *  @param {(labels: string[]) => void} onVote */
function many({ options }, onVote) {
  const boxes = options.map(() =>
    h("input", { type: "checkbox", onchange: () => (vote.disabled = !marked().length) }),
  );
  const marked = () => options.filter((_, index) => boxes[index].checked).map(({ text }) => text);
  const vote = button(".primary.small", "Vote", () => onVote(marked()), { disabled: true });
  const lines = options.map(({ text }, index) => h("li", h("label.option", boxes[index], h("bdi", text))));
  return h("div.poll", h("ul", lines), vote);
}

/** @param {Poll} poll
 *  @param {number[]} chosen */
function results({ options, total_voter_count: total, correct_option_ids: correct }, chosen) {
  const line = (/** @type {Option} */ { text, voter_count: count }, /** @type {number} */ index) => {
    const isMine = chosen.includes(index);
    const isRight = correct?.includes(index);
    const mark = isRight ? "✓" : isMine ? (correct ? "✗" : "✓") : "";
    const said = [isMine && "your vote", isRight && "the right answer"].filter(Boolean).join(", ");
    const percent = total ? Math.round((100 * count) / total) : 0;
    return h(
      "li.result",
      h("span.percent", `${percent}%`),
      h("bdi", text),
      h("span", { "aria-hidden": "true" }, mark),
      said && h("span.hidden", ` (${said})`),
      h("progress", { max: "100", value: String(percent), "aria-label": `${count} of ${total}` }),
    );
  };
  return h("ul", options.map(line));
}
