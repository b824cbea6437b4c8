// The WebSocket to the simulator: requests with answers, and changes as they happen.

const RETRY_MS = 1000;
const NOT_RUNNING = "The simulator is not running.";

export class Connection extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null;
  #number = 0;
  #waiting = new Map();

  open() {
    const socket = new WebSocket(`ws://${location.host}/live`);
    this.#socket = socket;
    socket.onopen = () => this.dispatchEvent(new Event("open"));
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(NOT_RUNNING));
      this.#waiting.clear();
      this.dispatchEvent(new Event("lost"));
      setTimeout(() => this.open(), RETRY_MS);
    };
  }

  /** Ask for something; resolves with its result, rejects with the reason in words.
   *  @param {string} what
   *  @param {Record<string, unknown>} fields
   *  @returns {Promise<any>} */
  ask(what, fields = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error(NOT_RUNNING));
    const id = ++this.#number;
    this.#socket.send(JSON.stringify({ ...fields, do: what, id }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #receive(change) {
    if (change.type !== "answer") {
      this.dispatchEvent(new CustomEvent("change", { detail: change }));
      return;
    }
    const waiting = this.#waiting.get(change.id);
    this.#waiting.delete(change.id);
    if ("error" in change) waiting?.reject(new Error(change.error));
    else waiting?.resolve(change.result);
  }
}
