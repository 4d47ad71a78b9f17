import { h } from '../dom.js';
import { clock } from '../time.js';

/** @typedef {import('../../statuspage/view.ts').StatuspageView} StatuspageView */

/** From best to worst. */
const STATES = ['operational', 'under_maintenance', 'degraded_performance', 'partial_outage', 'major_outage'];

/** @param {string} words a value in Statuspage's spelling */
const spoken = (words) => words.slice(0, 1).toUpperCase() + words.slice(1).replaceAll('_', ' ');

/** @param {StatuspageView} view */
export function statuspage({ headline, components, incidents }) {
  const worst = components.map(({ status }) => status).toSorted((a, b) => STATES.indexOf(b) - STATES.indexOf(a))[0];
  const isOver = (/** @type {{status: string}} */ { status }) => status === 'resolved' || status === 'completed';
  const open = incidents.filter((one) => !isOver(one));
  const past = incidents.filter(isOver);
  return [
    h('p', { class: `headline ${worst ?? 'operational'}`, 'data-glow': headline }, headline),
    open.map(incident),
    components.length === 0
      ? h('p', { class: 'empty' }, 'No components yet.')
      : h('ul', { class: 'components' }, components.map(component)),
    past.length > 0 && h('h3', { class: 'past' }, 'Past incidents'),
    past.map(incident),
  ];
}

/** @param {StatuspageView['components'][number]} component */
const component = ({ name, status }) =>
  h(
    'li',
    { 'data-key': name, 'data-glow': status },
    h('b', {}, name),
    h('span', { class: `component-state ${status}` }, h('i', { 'aria-hidden': true }), spoken(status)),
  );

/** @param {StatuspageView['incidents'][number]} incident */
const incident = ({ name, impact, status, components, updates, created_at: created }) =>
  h(
    'article',
    { class: `public-incident ${impact} ${status}`, 'data-key': `${created} ${name}`, 'data-glow': updates.length },
    h('h3', {}, name),
    components.length > 0 && h('p', { class: 'quiet' }, `Affects ${components.join(', ')}`),
    updates.map((update) =>
      h(
        'p',
        { class: 'update' },
        h('b', {}, spoken(update.status)),
        ` – ${update.body}`,
        h('time', { class: 'quiet' }, ` ${clock(update.at)} UTC`),
      ),
    ),
  );
