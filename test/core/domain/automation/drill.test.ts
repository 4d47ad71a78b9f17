import { expect, test } from 'vitest';
import {
  ATTEMPTS_MAX,
  abortedDrill,
  drillKey,
  afterAttempt,
  pauseSeconds,
  type StepReport,
} from '../../../../core/domain/automation/drill.ts';
import type { DrillRecord } from '../../../../schemas/automation/drill.ts';
import type { Version } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { drillRecord } from '../../../support/drill-record.ts';

const BEGAN = '2026-11-20T12:00:00.000Z' as Timestamp;

const drill = (more: Partial<DrillRecord> = {}) =>
  drillRecord({ asks_hold: true, started_at: BEGAN, begun: true, ...more });

/** Applies the results one after the other, ten seconds apart. */
const played = (begin: DrillRecord, ...all: StepReport[]): DrillRecord =>
  all.reduce((so, report, n) => afterAttempt(so, report, plusSeconds(BEGAN, 10 * (n + 1))), begin);

const DONE: StepReport = { kind: 'succeeded', id: null };
const WORKING: StepReport = { kind: 'in_progress', id: 'rb', handle: '/rb' };
const LATER: StepReport = { kind: 'later', detail: 'HTTP 503', afterSeconds: null };
const over = ({ phase, outcome, reason }: DrillRecord) => [phase, outcome, reason];

test('rollback, check, and restoration prove the target, with the duration of the rollback', () => {
  const after = played(drill(), WORKING, DONE, { kind: 'holds' }, WORKING, DONE);
  expect(after).toMatchObject({ phase: 'ended', outcome: 'proved', reason: null, rollback_s: 20, duration_s: 50 });
  expect(after.steps.map(({ phase, text }) => `${phase}: ${text}`)).toEqual([
    'back: changing to v1',
    'back: v1 is running again',
    'hold: v1 is still running',
    'forth: changing to v2',
    'forth: v2 is running again',
  ]);
});

test('a target that cannot be queried is not checked', () => {
  expect(played(drill({ asks_hold: false }), DONE)).toMatchObject({ phase: 'forth', attempts: 0, handle: null });
  expect(over(played(drill(), DONE, { kind: 'unknown', detail: '?' }, DONE))).toEqual(['ended', 'proved', null]);
});

test('repeated results are not recorded', () => {
  expect(played(drill(), LATER, LATER, LATER)).toMatchObject({ attempts: 3, steps: [{ text: 'HTTP 503' }] });
});

test('a check without a usable result is repeated; another call drops its handle', () => {
  expect(played(drill(), WORKING, LATER)).toMatchObject({ phase: 'back', handle: '/rb' });
  expect(played(drill(), WORKING, DONE)).toMatchObject({ handle: null });
});

test.each<[string, Partial<DrillRecord>, StepReport[], RegExp]>([
  [
    'something else runs',
    {},
    [{ kind: 'superseded', current: 'v3' }],
    /^v3 is running instead of v2; nothing was changed$/,
  ],
  ['the target refuses', {}, [{ kind: 'refused', detail: 'HTTP 403' }], /^the target refused the rollback: HTTP 403$/],
  ['a guard stands against it', { begun: false }, [{ kind: 'withheld', detail: 'no' }], /^no; nothing was changed$/],
])('nothing has to be restored if %s', (_, more, report, why) => {
  expect(over(played(drill(more), ...report))).toEqual(['ended', 'failed', expect.stringMatching(why)]);
});

test.each<[string, StepReport[], RegExp]>([
  ['the way back fails', [{ kind: 'failed', detail: 'broken' }], /^the rollback to v1 failed: broken$/],
  ['it does not hold', [DONE, { kind: 'drifted', detail: 'synced' }], /^the rollback was undone: synced$/],
  ['it may have been done', [LATER, { kind: 'refused', detail: 'no' }], /^the target refused the rollback: no$/],
  ['it never ends', Array.from({ length: ATTEMPTS_MAX }, () => LATER), /^v1 was not running after an hour: HTTP 503$/],
])('the original version is restored if %s', (_, report, why) => {
  const after = played(drill(), ...report);
  expect(after).toMatchObject({ phase: 'forth', outcome: null, attempts: 0, reason: expect.stringMatching(why) });
  expect(over(played(after, DONE))).toEqual(['ended', 'failed', expect.stringMatching(why)]);
  const neverAway: StepReport = { kind: 'superseded', current: 'v2' };
  expect(over(played(after, neverAway))).toEqual(['ended', 'failed', expect.stringMatching(why)]);
  const branch = { ...after, from_version: '6.4 (2222222)' as Version, from_name: '6.4' as Version };
  const never: StepReport = { kind: 'superseded', current: '6.4' };
  expect(over(played(branch, never))).toEqual(['ended', 'failed', expect.stringMatching(why)]);
});

test.each<[string, StepReport[], RegExp]>([
  ['it is refused', [{ kind: 'refused', detail: 'no' }], /^the roll-forward to v2 failed: no\. .*may still run v1/],
  ['it fails', [{ kind: 'failed', detail: 'x' }], /^the roll-forward to v2 failed: x\. .*may still run v1/],
  [
    'it never ends',
    Array.from({ length: ATTEMPTS_MAX }, () => LATER),
    /^v2 was not running again after an hour.*may still run v1/,
  ],
  ['another version was deployed', [{ kind: 'superseded', current: 'v3' }], /^v3 was deployed in the meantime$/],
])('restoration: %s', (_, report, why) => {
  expect(over(played(drill({ phase: 'forth' }), ...report))).toEqual(['ended', 'failed', expect.stringMatching(why)]);
});

test('once the target may have been called, the drill waits for guards', () => {
  const guard: StepReport = { kind: 'withheld', detail: 'the kill switch is on' };
  expect(played(drill(), guard)).toMatchObject({ phase: 'back', outcome: null, attempts: 1 });
  expect(played(drill({ phase: 'forth' }), guard)).toMatchObject({ phase: 'forth', outcome: null });
});

test('an aborted drill reports whether anything was done', () => {
  expect(abortedDrill(drill(), 'gone', BEGAN).reason).toBe('gone. Check checkout in staging: it may still run v1');
  expect(abortedDrill(drill({ begun: false }), 'gone', BEGAN).reason).toBe('gone; nothing was changed');
});

test('pauses grow, give a sync one minute, and honor Retry-After up to five minutes', () => {
  const pause = (more: Partial<DrillRecord>, report: StepReport = WORKING) => pauseSeconds(drill(more), report);
  expect([1, 12, 40].map((attempts) => pause({ attempts }))).toEqual([5, 15, 30]);
  expect(pause({ phase: 'hold' }, DONE)).toBe(60);
  expect(pause({ phase: 'forth' }, DONE)).toBe(1);
  expect(pause({ attempts: 1 }, { ...LATER, afterSeconds: 90 })).toBe(90);
  expect(pause({ attempts: 1 }, { ...LATER, afterSeconds: 86_400 })).toBe(300);
});

test('each direction has one key', () => {
  const id = drill().id;
  expect((['back', 'hold', 'forth'] as const).map((phase) => drillKey({ id, phase }))).toEqual([
    `drill.${id}.back`,
    `drill.${id}.back`,
    `drill.${id}.forth`,
  ]);
});
