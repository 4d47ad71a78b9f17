import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLOCK_TOLERANCE_SECONDS, LOOK_BACK_SECONDS, MIN_CONFIDENCE, suspectsOf } from '../../domain/suspects.ts';
import type { Change } from '../../schemas/change.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time.ts';
import { anyChanges, change, INCIDENT, NOON } from './arbitraries.ts';

const suspects = (...changes: Change[]) => suspectsOf(changes, NOON, INCIDENT);

/** A deploy with these seconds between its start, or its end, and the onset; negative: after it. */
const timed = (startedBefore: number, finishedBefore: number | null, more: Partial<Change> = {}): Change => ({
  ...change('v2', 0, more),
  started_at: plusSeconds(NOON, -startedBefore),
  finished_at: finishedBefore === null ? null : plusSeconds(NOON, -finishedBefore),
});

describe('a change is a suspect', () => {
  test.each([
    ['that finished a second before the onset', timed(180, 1), 'finished_before', 0.95],
    ['that finished ten minutes before it', timed(780, 600), 'finished_before', 0.83],
    ['that finished exactly 30 minutes before it', timed(2000, LOOK_BACK_SECONDS), 'finished_before', 0.6],
    ['that finished at the very moment', timed(180, 0), 'rolling_out', 0.95],
    ['that was rolling out, and has not finished', timed(60, null, { status: 'started' }), 'rolling_out', 0.95],
    ['that was rolling out, and has finished since', timed(60, -120), 'rolling_out', 0.95],
    ['that began at the very moment', timed(0, null, { status: 'started' }), 'rolling_out', 0.95],
    ['that seems to have begun a second after it, since clocks differ', timed(-1, -60), 'clock_skew', 0.6],
    ['that seems to have begun 90 seconds after it', timed(-CLOCK_TOLERANCE_SECONDS, -200), 'clock_skew', 0.6],
    ['that failed', timed(180, 60, { status: 'failed' }), 'finished_before', 0.94],
    ['that is a flag', timed(1, 1, { kind: 'flag' }), 'finished_before', 0.95],
    ['that another incident has brought about', timed(180, 60, { made_for: 'another' }), 'finished_before', 0.94],
  ] as const)('%s', (_, one, timing, confidence) => {
    expect(suspects(one)).toMatchObject([{ change_id: one.id, timing, confidence }]);
  });
});

describe('a change is no suspect', () => {
  test.each([
    ['that finished more than 30 minutes before the onset', timed(2000, LOOK_BACK_SECONDS + 1)],
    ['that began more than 90 seconds after it', timed(-CLOCK_TOLERANCE_SECONDS - 1, -200)],
    ['that was cancelled', timed(180, 60, { status: 'cancelled' })],
    ['that we have made for this very incident', timed(180, 60, { made_for: INCIDENT, kind: 'rollback' })],
    ['that was begun hours ago and forgotten', timed(3 * 3600, null, { status: 'started' })],
  ])('%s', (_, one) => {
    expect(suspects(one)).toEqual([]);
  });
});

test('of two that finished before it, the later one is more probable', () => {
  const ranked = suspects(timed(1500, 1200), { ...timed(600, 300), version: change('v3', 0).version });
  expect(ranked.map(({ version }) => version)).toEqual(['v3', 'v2']);
});

test('one that was rolling out is more probable than one that had finished', () => {
  const ranked = suspects(timed(400, 120), { ...timed(1200, null), version: change('v3', 0).version });
  expect(ranked.map(({ version }) => version)).toEqual(['v3', 'v2']);
});

test('whatever the changes are, suspects come most probable first, each with a reason, and none is a guess', () => {
  fc.assert(
    fc.property(anyChanges, fc.integer({ min: -600, max: 7200 }), (changes, shift) => {
      const onset: Timestamp = plusSeconds(NOON, -shift);
      const ranked = suspectsOf(changes, onset, INCIDENT);
      for (const [index, suspect] of ranked.entries()) {
        expect(suspect.confidence).toBeLessThanOrEqual(ranked[index - 1]?.confidence ?? 1);
        expect(suspect.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE);
        expect(suspect.reasons).not.toEqual([]);
        expect(suspect.change.made_for).not.toBe(INCIDENT);
        expect(secondsBetween(onset, suspect.change.started_at)).toBeLessThanOrEqual(CLOCK_TOLERANCE_SECONDS);
      }
    }),
  );
});
