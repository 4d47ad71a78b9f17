import { h } from '../dom.js';
import { clock } from '../time.js';

/** @typedef {import('../../play/bad-deploy.ts').PlayView} PlayView */

/** The words of the button, in each state. */
const BUTTON = {
  idle: 'Play a bad deploy',
  playing: 'Playing…',
  over: 'Play it again',
  failed: 'Play it again',
};

/** @param {PlayView} view @param {string} refused why the last press had no effect; empty: it had one */
export function play({ state, steps, incident, note }, refused) {
  const next = steps.find(({ at }) => at === null);
  const words = refused === '' ? (note ?? '') : refused;
  return [
    h(
      'p',
      { class: 'play-acts' },
      h(
        'button',
        { type: 'button', class: 'primary', 'data-act': 'play', disabled: state === 'playing' },
        BUTTON[state],
      ),
      incident !== null &&
        h(
          'a',
          { href: `/console/incidents/${encodeURIComponent(incident.id)}` },
          `Open ${incident.name} in the console`,
        ),
    ),
    h(
      'ol',
      { class: 'play-steps' },
      steps.map((step) => {
        const isNow = state === 'playing' && step === next;
        return h(
          'li',
          {
            'data-key': step.name,
            class: step.at === null ? (isNow ? 'now' : '') : 'done',
            'aria-current': isNow && 'step',
          },
          h('span', { class: 'play-mark', 'aria-hidden': true }, step.at === null ? '' : '✓'),
          h('span', {}, step.text, h('span', { class: 'unseen' }, step.at === null ? ' (to come)' : ' (done)')),
          h('time', { class: 'quiet' }, step.at === null ? '' : clock(step.at)),
        );
      }),
    ),
    h('p', { class: `play-note ${state === 'failed' || refused !== '' ? 'bad' : 'quiet'}`, role: 'status' }, words),
  ];
}
