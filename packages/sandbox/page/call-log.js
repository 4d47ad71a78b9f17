/** @typedef {import('../core/sandbox-state.ts').CallShown} Call */

/** Maximum number of calls: enough to filter the story of an alert storm. The table shows fewer. */
const CALLS_MAX = 600;

/** The calls that were seen while the page is open. The sandbox returns only the newest calls. */
export class CallLog {
  /** By ID, oldest first. @type {Map<string, Call>} */
  #calls = new Map();

  /** @param {readonly Call[]} newestFirst */
  add(newestFirst) {
    for (const call of newestFirst.toReversed()) this.#calls.set(call.id, call);
    this.#calls = new Map([...this.#calls].slice(-CALLS_MAX));
  }

  /** Oldest first. */
  get all() {
    return [...this.#calls.values()];
  }
}

/** Returns the outcome of a call from the caller's perspective. @param {Call} call */
export function outcomeOf({ status, outcome, fault }) {
  if (status !== null) return { words: String(status), state: status < 300 ? 'good' : status < 500 ? 'odd' : 'bad' };
  if (outcome !== null) return { words: `${outcome}, not received`, state: 'bad' };
  return { words: fault === null ? 'in progress' : 'no response', state: fault === null ? 'open' : 'bad' };
}
