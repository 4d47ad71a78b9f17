import { draw, h } from '../dom.js';
import { outcomeOf } from '../call-log.js';
import { counted, preciseClock } from '../time.js';
import { nameOf } from '../vendors.js';

/** @typedef {import('../call-log.js').Call} Call */
/** @typedef {import('../../core/journal.ts').RecordedCall} RecordedCall */

const SHOWN = 100;

/** The panel of all calls as received, newest first. One of them can be expanded to show its headers and body. */
export class CallsPanel {
  /** @type {Element} */
  #body;
  /** @type {import('../call-log.js').CallLog} */
  #log;
  /** @type {readonly string[]} */
  #vendors = [];
  /** The vendor to filter by; undefined for all. @type {string | undefined} */
  #vendor;
  /** @type {string | undefined} */
  #open;
  /** The complete call that is expanded, once it is loaded. @type {RecordedCall | undefined} */
  #whole;

  /** @param {Element} body @param {import('../call-log.js').CallLog} log */
  constructor(body, log) {
    this.#body = body;
    this.#log = log;
  }

  /** @param {readonly string[]} vendors */
  show(vendors) {
    this.#vendors = vendors;
    this.#draw();
  }

  /** @param {string} vendor `''` for all */
  filter(vendor) {
    this.#vendor = vendor === '' ? undefined : vendor;
    this.#draw();
  }

  /** Expands or collapses a call. @param {string} id */
  async toggle(id) {
    this.#open = this.#open === id ? undefined : id;
    this.#whole = undefined;
    this.#draw();
    if (this.#open !== id) return;
    const whole = await fetchCall(id);
    if (this.#open !== id) return; // another call was expanded in the meantime
    this.#whole = whole;
    this.#draw();
  }

  #draw() {
    const calls = this.#log.all.filter(({ vendor }) => this.#vendor === undefined || vendor === this.#vendor);
    const shown = calls.slice(-SHOWN).toReversed();
    draw(this.#body, [
      this.#filters(),
      shown.length === 0
        ? h('p', { class: 'empty' }, 'No calls received.')
        : h(
            'div',
            { class: 'table', tabindex: 0, role: 'group', 'aria-label': 'Calls, newest first' },
            this.#table(shown),
          ),
    ]);
  }

  #filters() {
    const option = (/** @type {string} */ vendor, /** @type {string} */ name) =>
      h(
        'button',
        {
          type: 'button',
          'data-act': 'filter',
          'data-id': vendor,
          'aria-pressed': String((this.#vendor ?? '') === vendor),
        },
        name,
      );
    return h(
      'div',
      { class: 'filters', role: 'group', 'aria-label': 'Filter by vendor' },
      option('', 'All'),
      this.#vendors.map((vendor) => option(vendor, nameOf(vendor))),
    );
  }

  /** @param {readonly Call[]} calls */
  #table(calls) {
    const heads = ['Time', 'Vendor', 'Method', 'Path', 'Response', 'Fault'];
    return h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((head) => h('th', { scope: 'col' }, head)),
        ),
      ),
      h(
        'tbody',
        {},
        calls.map((call) => [this.#row(call), call.id === this.#open && this.#details(call)]),
      ),
    );
  }

  /** @param {Call} call */
  #row(call) {
    const { id, vendor, method, path, query, at, fault } = call;
    const { words, state } = outcomeOf(call);
    const isOpen = id === this.#open;
    return h(
      'tr',
      { 'data-key': id, 'data-glow': words, class: isOpen && 'open' },
      h('td', {}, h('time', { datetime: at }, preciseClock(at))),
      h('td', {}, h('span', { class: 'vendor', 'data-vendor': vendor }, nameOf(vendor))),
      h('td', { class: 'method' }, method),
      h(
        'td',
        { class: 'path' },
        h(
          'button',
          { type: 'button', 'data-act': 'call', 'data-id': id, 'aria-expanded': String(isOpen) },
          path,
          query !== null && h('span', { class: 'quiet' }, `?${query}`),
        ),
      ),
      h('td', {}, h('span', { class: `answer ${state}` }, words)),
      h('td', {}, fault !== null && h('span', { class: 'fault' }, fault.replaceAll('_', ' '))),
    );
  }

  /** @param {Call} call */
  #details({ id }) {
    const whole = this.#whole;
    const text = whole === undefined ? '…' : [headersOf(whole), bodyOf(whole)].filter(Boolean).join('\n\n');
    return h(
      'tr',
      { class: 'details', 'data-key': `${id} details` },
      h('td', { colspan: 6 }, h('pre', { tabindex: 0 }, text)),
    );
  }
}

/** @param {import('../call-log.js').CallLog} log */
export const callsTally = (log) => `newest of ${counted(log.all.length, 'call')} seen on this page`;

/** @param {string} id such as `call_12` @returns {Promise<RecordedCall | undefined>} */
async function fetchCall(id) {
  const next = `call_${Number(id.slice('call_'.length)) + 1}`;
  const response = await fetch(`/sandbox/calls?limit=1&cursor=${encodeURIComponent(next)}`);
  if (!response.ok) return undefined;
  const { items } = /** @type {{ items: RecordedCall[] }} */ (await response.json());
  return items.find((item) => item.id === id);
}

/** @param {RecordedCall} call */
const headersOf = ({ method, path, query, headers }) =>
  [
    `${method} ${path}${query === null ? '' : `?${query}`}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ].join('\n');

/** @param {RecordedCall} call */
function bodyOf({ body }) {
  if (body === null) return '';
  return typeof body === 'string' ? body : JSON.stringify(body, null, 2);
}
