// What went wrong in an update, if anything: one answer for the list, the marks and the timeline.

/** @typedef {import("./state.js").Turn} Turn */

export const AS_EXPECTED = "as expected";

/** @param {Turn} turn */
export const wentAnotherWay = ({ verdict }) => Boolean(verdict) && verdict !== AS_EXPECTED;

/** A word or two, or "" where all went well.
 *  @param {Turn} turn
 *  @returns {string} */
export function problemOf(turn) {
  if (turn.error) return "exception";
  const refused = turn.calls.filter((call) => call.error).length;
  if (refused) return `${refused} refused`;
  if (turn.unanswered) return "tap not answered";
  return wentAnotherWay(turn) ? "not as expected" : "";
}

/** The id of the message that began a turn: one that was sent, or whose button was tapped.
 *  @param {Turn} turn
 *  @returns {number | undefined} */
export function messageOf(turn) {
  return turn.message ?? turn.update?.callback_query?.message?.message_id;
}
