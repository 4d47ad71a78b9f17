import { h, s } from '../dom.js';
import { clock, counted } from '../time.js';

/** @typedef {import('../../github/github.ts').GithubView} GithubView */

/** Maximum number of issues, newest first. */
const SHOWN = 50;

/** @param {GithubView} view */
export const githubTally = ({ issues }) => (issues.length === 0 ? '' : counted(issues.length, 'issue'));

/** @param {GithubView} view */
export const github = ({ issues }) =>
  issues.length === 0
    ? h('p', { class: 'empty' }, 'No issues.')
    : h('ul', { class: 'issues' }, issues.slice(0, SHOWN).map(issue));

/** @param {GithubView['issues'][number]} issue */
const issue = ({ repository, number, title, body, state, labels, created_at: created, comments }) =>
  h(
    'li',
    { 'data-key': `${repository} ${number}`, 'data-glow': JSON.stringify([state, comments.length]) },
    icon(state),
    h(
      'details',
      {},
      h(
        'summary',
        {},
        h('b', {}, title),
        labels.map((label) => [' ', h('span', { class: 'label' }, label)]),
        h(
          'span',
          { class: 'quiet line' },
          `${repository}#${number} · ${clock(created)} · ${counted(comments.length, 'comment')}`,
        ),
      ),
      h('p', { class: 'prose' }, body),
      comments.map((comment) =>
        h('p', { class: 'prose comment' }, h('span', { class: 'quiet line' }, clock(comment.at)), comment.body),
      ),
    ),
  );

/** @param {'open' | 'closed'} state */
const icon = (state) =>
  h(
    'span',
    { class: `issue-state ${state}`, role: 'img', 'aria-label': state },
    s(
      'svg',
      { viewBox: '0 0 16 16', 'aria-hidden': true },
      s('circle', { cx: 8, cy: 8, r: 6.5 }),
      state === 'open' ? s('circle', { cx: 8, cy: 8, r: 1.5, class: 'dot' }) : s('path', { d: 'M5 8.2l2 2 4-4.2' }),
    ),
  );
