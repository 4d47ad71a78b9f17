import { h } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { between, clock, counted } from '../time.js';

/** @typedef {import('../../pagerduty/view.ts').IncidentShown} Incident */

/** Maximum number of incidents up to which their logs are expanded. */
const FEW = 3;

/** @param {{ incidents: readonly Incident[] }} view */
export function pagerdutyTally({ incidents }) {
  const open = incidents.filter(({ status }) => status !== 'resolved').length;
  return incidents.length === 0 ? '' : `${open} open of ${counted(incidents.length, 'incident')}`;
}

/** @param {{ incidents: readonly Incident[] }} view */
export const pagerduty = ({ incidents }) =>
  incidents.length === 0
    ? h('p', { class: 'empty' }, 'No incidents.')
    : h(
        'ul',
        { class: 'cards' },
        incidents.map((incident) => card(incident, incidents.length <= FEW)),
      );

/** @param {Incident} incident @param {boolean} isOneOfFew */
const card = (incident, isOneOfFew) => {
  const { id, number, title, status, urgency, created_at: created, resolved_at: resolved } = incident;
  return h(
    'li',
    { class: `card page ${status}`, 'data-key': id, 'data-glow': JSON.stringify([status, incident.notes.length]) },
    h(
      'p',
      { class: 'row' },
      h('span', { class: `state ${status}` }, status),
      urgency === 'high' && h('span', { class: 'state plain' }, 'high urgency'),
      h('span', { class: 'quiet end' }, `#${number}`),
    ),
    h('h3', {}, withEmoji(title)),
    h(
      'p',
      { class: 'quiet' },
      clock(created),
      ' · ',
      resolved === null ? 'open ' : 'took ',
      h('span', { 'data-begin': created, 'data-end': resolved }, between(created, resolved)),
      incident.acknowledged_by.length > 0 && ` · acknowledged by ${incident.acknowledged_by.join(', ')}`,
    ),
    incident.notes.map(({ at, by, text }) =>
      h(
        'p',
        { class: 'note', 'data-key': `note ${at} ${text}` },
        h('span', { class: 'quiet' }, `${clock(at)} ${by}`),
        withEmoji(text),
      ),
    ),
    log(incident, isOneOfFew),
    status !== 'resolved' && answers(incident),
  );
};

/** Log texts by action. */
const LOG_WORDS = new Map([
  ['trigger', 'triggered'],
  ['acknowledge', 'acknowledged'],
  ['resolve', 'resolved'],
]);

/** @param {Incident} incident @param {boolean} open */
const log = ({ log: entries }, open) =>
  h(
    'details',
    { open },
    h('summary', {}, 'Log'),
    h(
      'ol',
      { class: 'log' },
      entries.map(({ at, action, by }) =>
        h('li', {}, h('time', {}, clock(at)), ` ${LOG_WORDS.get(action) ?? action} by ${by ?? 'the Events API'}`),
      ),
    ),
  );

/** The buttons of a responder. @param {Incident} incident */
const answers = ({ id, status }) =>
  h(
    'p',
    { class: 'row' },
    status === 'triggered' &&
      h('button', { type: 'button', 'data-act': 'page', 'data-id': id, 'data-answer': 'acknowledge' }, 'Acknowledge'),
    h('button', { type: 'button', 'data-act': 'page', 'data-id': id, 'data-answer': 'resolve' }, 'Resolve'),
  );
