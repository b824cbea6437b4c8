// Invoices: what is asked for, and paying it, which may fail.

import { notice, showAlert } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { openMenu } from "./menu.js";
import { act } from "./state.js";

/** An amount as its currency is written: invoices count the smallest unit.
 *  @param {{ currency: string, total_amount: number }} amount
 *  @returns {string} */
export function price({ currency, total_amount: amount }) {
  if (currency === "XTR") return `${amount} Stars`;
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return `${(amount / 10 ** digits).toFixed(digits)} ${currency}`;
}

/** @param {{ title: string, description: string, currency: string, total_amount: number }} invoice
 *  @returns {HTMLElement} */
export function invoiceCard(invoice) {
  const details = h("span.wrapped", h("bdi", invoice.description));
  const text = h(
    "span.card-text",
    h("strong", h("bdi", invoice.title)),
    details,
    h("strong", price(invoice)),
  );
  return h("div.card", icon("card"), text);
}

/** Ask how the payment goes, and have it go so.
 *  @param {HTMLElement} anchor
 *  @param {{ message_id: number, invoice: { currency: string, total_amount: number } }} message */
export function askToPay(anchor, { message_id: message, invoice }) {
  const pay = async (/** @type {boolean} */ fails) => {
    anchor.setAttribute("aria-busy", "true");
    const problem = await act("pay", { message, fails });
    anchor.removeAttribute("aria-busy");
    if (problem) showAlert(problem);
    else if (problem === "") notice(`Paid ${price(invoice)}.`);
  };
  openMenu(anchor, [
    [`Pay ${price(invoice)}`, () => pay(false)],
    ["Pay with a card that is declined", () => pay(true)],
  ]);
}
