import { describe, expect, test } from 'vitest';
import {
  MANUAL_RUNS_MAX,
  isManualRun,
  nextManualRun,
  remainingOf,
  nextStepsText,
} from '../../../../core/domain/runbooks/manual-runs.ts';
import { planOf } from '../../../../core/domain/runbooks/plan.ts';
import { viewOfRun } from '../../../../core/domain/runbooks/run-view.ts';
import type { Json } from '../../../../core/domain/runbooks/variables.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { incident } from '../../stories.ts';
import { runbook } from './support.ts';

const LONG = runbook(`undo: reverse
steps:
  - { id: first, uses: flag.disable, with: { flag: a }, timeout: 5m }
  - { id: optional, uses: note, with: { text: x }, onFailure: continue }
  - id: both
    parallel:
      - { id: left, uses: restart, timeout: 5m }
      - { id: right, uses: note, with: { text: y } }
  - { id: last, uses: note, with: { text: z } }
`);
const end = (status: 'succeeded' | 'failed' | 'skipped' | 'declined', more: object = {}) => ({
  status,
  output: null,
  detail: '',
  ...more,
});
const before = { first: end('succeeded'), optional: end('failed') };

describe('run numbers', () => {
  test.each([
    ['begin apart from those that alerts start', nextManualRun([1, 2]), 101],
    ['go on', nextManualRun([1, 101, 102]), 103],
    ['end', nextManualRun([100 + MANUAL_RUNS_MAX]), null],
  ])('%s', (_, number, expected) => {
    expect(number).toBe(expected);
  });
  test('show who started the run', () => {
    expect([isManualRun(5), isManualRun(101)]).toEqual([false, true]);
  });
});

describe('a run continues', () => {
  test.each([
    [
      'from the step that has failed',
      { ...before, left: end('failed'), right: end('succeeded') },
      ['left'],
      'step left',
    ],
    [
      'from all that have failed there',
      { ...before, left: end('failed'), right: end('failed') },
      ['left', 'right'],
      'steps left, right',
    ],
    [
      'without what the runbook has failed over',
      { ...before, left: end('failed'), right: end('skipped') },
      ['left'],
      'step left',
    ],
    [
      'with what a person did not want beside it',
      { ...before, left: end('failed'), right: end('declined') },
      ['left'],
      'steps left, right',
    ],
    [
      'with what was taken back, or may have been',
      { ...before, 'first.undo': end('failed', { unclear: true }), left: end('failed'), right: end('succeeded') },
      ['left'],
      'step first',
    ],
  ])('%s', (_, ends, failed, from) => {
    const remaining = remainingOf(planOf(LONG), ends);
    expect(remaining.failed).toEqual(failed);
    expect(nextStepsText(LONG, remaining.done)).toBe(from);
  });

  test('nowhere if no results are known', () => {
    expect(remainingOf(planOf(LONG), {}).failed).toEqual([]);
  });
});

describe('the view of a run', () => {
  const at = incident();
  const run = {
    runbook: LONG,
    labels: [],
    annotations: [],
    number: 101,
    at: timestamp(0),
    outcome: null,
    text: null,
    by: 'person:ada',
  };
  const shown = (memories: [string, Json][], waiting: number[] = [], more: object = {}) =>
    viewOfRun(at, { ...run, ...more }, new Map(memories), new Set(waiting)).steps.map(
      ({ id, status }) => `${id} ${status}`,
    );
  const go = { ready: { kind: 'go' } };
  const tried = (step: string, status: 'succeeded' | 'failed', more: object): [string, Json] => [
    `try ${at.id}.runbook.101.${step}`,
    { performed: { ...more, end: end(status) }, effect: null },
  ];

  test.each([
    [
      'before it has begun',
      shown([]),
      ['first pending', 'optional pending', 'left pending', 'right pending', 'last pending'],
    ],
    [
      'while a person is asked',
      shown([['prepared first', go]], [1]),
      ['first waiting', 'optional pending', 'left pending', 'right pending', 'last pending'],
    ],
    [
      'while it goes on',
      shown([
        ['prepared first', go],
        tried('first', 'succeeded', { kind: 'ended' }),
        ['prepared optional', go],
        ['prepared left', go],
        ['prepared right', { ready: { kind: 'end', end: end('skipped') } }],
      ]),
      ['first succeeded', 'optional succeeded', 'left running', 'right skipped', 'last pending'],
    ],
    [
      'when it has failed',
      shown(
        [
          ['ended first', end('succeeded')],
          ['ended optional', end('failed')],
        ],
        [],
        { outcome: 'failed' },
      ),
      ['first succeeded', 'optional failed', 'left pending', 'right pending', 'last pending'],
    ],
    [
      'with what an earlier run has done',
      shown([], [], { continues: { of: 1, done: { first: end('succeeded') }, earlierKeys: {} } }),
      ['first succeeded', 'optional pending', 'left pending', 'right pending', 'last pending'],
    ],
  ])('%s', (_, steps, expected) => {
    expect(steps).toEqual(expected);
  });
});
