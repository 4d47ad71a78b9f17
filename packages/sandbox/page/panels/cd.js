import { h } from '../dom.js';
import { between, clock, counted } from '../time.js';

/** @typedef {ReturnType<typeof import('../../cd/cd.ts').cd.view>} CdView */

/** @param {CdView} view */
export const cdTally = ({ rollbacks }) => (rollbacks.length === 0 ? '' : counted(rollbacks.length, 'rollback'));

/** @param {CdView} view */
export function cd({ rollbacks, live }) {
  if (rollbacks.length === 0 && live.length === 0) {
    return h('p', { class: 'empty' }, 'No rollbacks, and no running version is set.');
  }
  return [
    live.length > 0 && h('ul', { class: 'live' }, live.map(running)),
    rollbacks.length > 0 && h('ul', { class: 'cards' }, rollbacks.map(rollback)),
  ];
}

/** @param {CdView['live'][number]} live */
const running = ({ service, environment, version }) =>
  h(
    'li',
    { 'data-key': `${service} ${environment}`, 'data-glow': version },
    h('span', {}, h('b', {}, service), h('span', { class: 'quiet' }, ` ${environment}`)),
    h('code', { class: 'version' }, version),
  );

const WORDS = { in_progress: 'rolling back', succeeded: 'rolled back', failed: 'failed' };

/** @param {CdView['rollbacks'][number]} rollback */
const rollback = ({ id, service, environment, from_version: from, to_version: to, status, started_at, ended_at }) =>
  h(
    'li',
    { class: `card rollback ${status}`, 'data-key': id, 'data-glow': status },
    h(
      'p',
      { class: 'row' },
      h('span', { class: `state ${status}` }, WORDS[status]),
      h('span', {}, h('b', {}, service), h('span', { class: 'quiet' }, ` ${environment}`)),
      h('span', { class: 'quiet end' }, id),
    ),
    h(
      'p',
      { class: 'versions' },
      h('code', { class: 'version' }, from ?? 'current version'),
      h('span', { class: 'arrow', role: 'img', 'aria-label': 'to' }, '→'),
      h('code', { class: 'version' }, to),
    ),
    status === 'in_progress' &&
      h('div', { class: 'progress', role: 'progressbar', 'aria-label': 'Rolling back' }, h('i', {})),
    h(
      'p',
      { class: 'quiet' },
      clock(started_at),
      ' · ',
      h('span', { 'data-begin': started_at, 'data-end': ended_at }, between(started_at, ended_at)),
    ),
  );
