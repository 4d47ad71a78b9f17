/** @typedef {import('../sandbox-state.ts').CallShown} Call */

/** Enough for the strip of a storm; the table shows fewer. */
const KEPT = 600;

/** The calls that were seen while the page is open: the sandbox tells of the newest only. */
export class CallLog {
  /** By id, oldest first. @type {Map<string, Call>} */
  #calls = new Map();

  /** @param {readonly Call[]} newestFirst */
  add(newestFirst) {
    for (const call of newestFirst.toReversed()) this.#calls.set(call.id, call);
    this.#calls = new Map([...this.#calls].slice(-KEPT));
  }

  /** Oldest first. */
  get all() {
    return [...this.#calls.values()];
  }

  /** @param {string} id */
  get(id) {
    return this.#calls.get(id);
  }
}

/** How a call went, in the words of the one who made it. @param {Call} call */
export function outcomeOf({ status, outcome, fault }) {
  if (status !== null) return { words: String(status), state: status < 300 ? 'good' : status < 500 ? 'odd' : 'bad' };
  if (outcome !== null) return { words: `${outcome}, unheard`, state: 'bad' };
  return { words: fault === null ? 'in progress' : 'no answer', state: fault === null ? 'open' : 'bad' };
}

/** Whether it only looks. @param {Call} call */
export const isRead = ({ method }) => method === 'GET' || method === 'HEAD';
