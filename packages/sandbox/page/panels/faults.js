import { h } from '../dom.js';
import { counted } from '../time.js';
import { nameOf } from '../vendors.js';

/** @typedef {import('../../core/faults.ts').FaultInForce} FaultInForce */
/** @typedef {import('../../core/faults.ts').Fault} Fault */

/** Faults that a button sets. @type {ReadonlyMap<string, { name: string; fault: Fault }>} */
const PRESETS = new Map([
  ['down', { name: 'down (500)', fault: { kind: 'status', status: 500 } }],
  ['slow', { name: 'slow 5 s', fault: { kind: 'slow', delay_ms: 5000 } }],
  ['limit', { name: 'rate limit', fault: { kind: 'rate_limit' } }],
  ['lost', { name: 'lost responses', fault: { kind: 'lost' } }],
]);

/** The presets of the mail server, which has its own code for being unavailable. @type {typeof PRESETS} */
const MAIL_PRESETS = new Map([...PRESETS, ['down', { name: 'down (421)', fault: { kind: 'status', status: 421 } }]]);

/** @param {string | undefined} vendor */
export const presetsOf = (vendor) => (vendor === 'mail' ? MAIL_PRESETS : PRESETS);

/** @param {readonly FaultInForce[]} faults */
export const faultsTally = (faults) => (faults.length === 0 ? 'no faults' : counted(faults.length, 'active fault'));

/**
 * @param {readonly string[]} vendors
 * @param {readonly string[]} active vendors with activity; the others are collapsed
 * @param {readonly FaultInForce[]} faults
 */
export function faultControls(vendors, active, faults) {
  const near = vendors.filter((vendor) => active.includes(vendor) || faults.some((fault) => fault.vendor === vendor));
  const others = vendors.filter((vendor) => !near.includes(vendor));
  return [
    list(near, faults),
    others.length > 0 &&
      h(
        'details',
        { class: 'more', 'data-key': 'others' },
        h('summary', {}, h('span', { class: 'quiet' }, `Other vendors: ${others.map(nameOf).join(', ')}`)),
        list(others, faults),
      ),
  ];
}

/** @param {readonly string[]} vendors @param {readonly FaultInForce[]} faults */
const list = (vendors, faults) =>
  h(
    'ul',
    { class: 'switches' },
    vendors.map((vendor) =>
      switches(
        vendor,
        faults.filter((fault) => fault.vendor === vendor),
      ),
    ),
  );

/** @param {string} vendor @param {readonly FaultInForce[]} faults */
function switches(vendor, faults) {
  const others = faults.filter((one) => !isEverywhere(one.match) || presetOf(one) === undefined);
  return h(
    'li',
    { 'data-key': vendor },
    h('span', { class: 'vendor', 'data-vendor': vendor }, nameOf(vendor)),
    h(
      'span',
      { class: 'buttons', role: 'group', 'aria-label': nameOf(vendor) },
      [...presetsOf(vendor)].map(([id, { name }]) => {
        const isOn = faults.some((one) => isEverywhere(one.match) && presetOf(one) === id);
        return h(
          'button',
          { type: 'button', 'data-act': 'fault', 'data-id': id, 'data-of': vendor, 'aria-pressed': String(isOn) },
          name,
        );
      }),
      h(
        'button',
        { type: 'button', 'data-act': 'clear', 'data-of': vendor, class: 'clear', disabled: faults.length === 0 },
        'clear',
      ),
    ),
    others.length > 0 && h('span', { class: 'quiet others' }, others.map(faultWords).join(' · ')),
  );
}

/** @param {FaultInForce['match']} match */
const isEverywhere = (match) => match.method === undefined && match.path === undefined;

/** @param {Pick<FaultInForce, 'vendor' | 'fault'>} inForce */
const presetOf = ({ vendor, fault }) => [...presetsOf(vendor)].find(([, preset]) => isSame(preset.fault, fault))?.[0];

/** @param {Fault} one @param {Fault} other */
const isSame = (one, other) =>
  one.kind === other.kind &&
  (one.kind !== 'status' || (other.kind === 'status' && one.status === other.status)) &&
  (one.kind !== 'slow' || (other.kind === 'slow' && one.delay_ms === other.delay_ms));

/** Returns a text such as `down (500)` or `hang on POST /v2/*, 3 more times`. @param {FaultInForce} inForce */
export function faultWords({ vendor, fault, match, remaining }) {
  const name = presetsOf(vendor).get(presetOf({ vendor, fault }) ?? '')?.name ?? kindWords(fault);
  const where = [match.method, match.path].filter(Boolean).join(' ');
  return [
    where === '' ? name : `${name} on ${where}`,
    ...(remaining === null ? [] : [counted(remaining, 'more time')]),
  ].join(', ');
}

/** @param {Fault} fault */
function kindWords(fault) {
  switch (fault.kind) {
    case 'status':
      return `status ${fault.status}`;
    case 'slow':
      return `slow ${fault.delay_ms / 1000} s`;
    case 'late':
      return `late by ${fault.delay_ms / 1000} s`;
    case 'rate_limit':
    case 'lost':
    case 'reset':
    case 'hang':
      return fault.kind.replaceAll('_', ' ');
  }
}
