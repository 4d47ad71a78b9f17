import { IMPROBABLE } from '../../../../core/domain/correlation/words.ts';
import { describe, expect, test } from 'vitest';
import {
  MIN_CONFIDENCE_TO_ACT,
  correlate,
  MIN_CONFIDENCE_TO_ASK,
} from '../../../../core/domain/correlation/correlate.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { Evidence, RelatedChange } from '../../../../core/domain/correlation/evidence.ts';
import { before, INCIDENT } from '../../arbitraries.ts';
import { confidence, curve, failing, of, own, scene, step, timed, weights } from './scenes.ts';

const together = (...changes: Change[]) => scene({ changes: changes.map(own) });

describe('two plausible changes', () => {
  test.each([
    ['close together, when a fix may have been shipped', timed('v41', 600, 480), timed('v42', 300, 120)],
    ['that were rolling out together', timed('v41', 90, null, { status: 'started' }), timed('v42', 60, -60)],
    ['of which one is a flag', timed('v41', 600, 480), timed('v42', 120, 120, { kind: 'flag' })],
  ])('%s: no automatic action', (_, ...changes) => {
    const { suspects, verdict } = correlate(together(...changes));
    expect(suspects).toHaveLength(2);
    for (const suspect of suspects) expect(suspect.confidence).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
    expect(suspects.reduce((sum, one) => sum + one.confidence, 0)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(verdict).toBe((suspects[0]?.confidence ?? 0) >= MIN_CONFIDENCE_TO_ASK ? 'change' : 'unclear');
  });

  test('that are equally good: a change is the cause, but it is unclear which', () => {
    const { verdict } = correlate(together(timed('v42', 60, null), timed('f', 60, null, { kind: 'config' })));
    expect(verdict).toBe('unclear');
  });
});

describe('a newer version', () => {
  test('that replaced it before the problem leaves it no suspect to ask about', () => {
    const evidence = together(timed('v41', 1800, 1700), timed('v42', 300, 120));
    expect(weights(evidence, 'v41')['replaced']).toBeLessThanOrEqual(-4.5);
    expect(confidence(evidence, 'v41')).toBeLessThan(0.1);
    expect(confidence(evidence, 'v42')).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
  });

  test('that was rolling out is more probable than the version that had been healthy until then', () => {
    const evidence = together(timed('v41', 1500, 1400), timed('v42', 60, -60));
    expect(weights(evidence, 'v41')).toMatchObject({ being_replaced: -1 });
    expect(confidence(evidence, 'v42')).toBeGreaterThan(confidence(evidence, 'v41'));
  });

  test.each([
    ['after the onset', timed('v43', -20, -60)],
    ['that failed', timed('v43', 40, 20, { status: 'failed' })],
    ['of another kind', timed('v43', 40, 20, { kind: 'config' })],
  ])('%s does not replace it', (_, newer) => {
    expect(weights(together(timed('v42', 300, 120), newer), 'v42')).toEqual(weights(together(timed('v42', 300, 120))));
  });
});

test('a newer version of another service does not replace it', () => {
  const changes = [own(timed('v42', 300, 120)), of('payments', 'dependency', timed('v43', 40, 20))];
  expect(Object.keys(weights(scene({ changes }), 'v42'))).toEqual(['prior', 'finished_before']);
});

test('a version rolled back before the problem is no more probable than one replaced long ago', () => {
  const back = timed('v41', 60, 30, { kind: 'rollback', previous_version: 'v42' });
  const again = together(timed('v42', 300, 120), back, timed('v43', 10, 0));
  expect(weights(again, 'v42')['back']).toBeLessThanOrEqual(-4.5);
  const { suspects } = correlate(again);
  expect(suspects[0]).toMatchObject({ version: 'v43' });
  expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
});

describe('a version that an earlier problem of the incident has removed', () => {
  const rolledBack = { kind: 'rollback', made_for: INCIDENT, previous_version: 'v42' } as const;
  const undone = timed('v42', 960, 900, { rolled_back_by: INCIDENT });
  const removed = [undone, timed('v40', 600, 590, rolledBack)];

  test('was rolled back, also if the rollback was made for the incident', () => {
    expect(weights(together(...removed), 'v42')['back']).toBeLessThan(-4.5);
    expect(confidence(together(...removed), 'v42')).toBeLessThan(IMPROBABLE);
  });

  test('is no suspect of the incident, and had replaced the version before it', () => {
    const { suspects } = correlate(together(timed('v41', 1500, 1440), ...removed), INCIDENT);
    expect(suspects.map(({ version }) => version)).toEqual(['v41']);
    expect(suspects[0]?.confidence).toBeLessThan(IMPROBABLE);
  });

  test('is improbable for a caller as well', () => {
    const payments = (one: Change): RelatedChange => of('payments', 'dependency', one);
    const related = [scene({ service: 'payments', changes: removed.map(own) })];
    const changes = removed.map(payments);
    const caller = scene({ incident_id: 'inc-caller', changes, related, failing: [failing('payments', 'dependency')] });
    expect(confidence(caller)).toBeLessThan(IMPROBABLE);
  });

  test('is gone if the service recovered after its successor, however shortly before', () => {
    const replaced = [timed('v42', 260, 200), timed('v41', 100, 60)];
    const earlier_problem = { from: before(4), until: before(0.5) };
    expect(weights({ ...together(...replaced), earlier_problem }, 'v42')).toMatchObject({ replaced_soon: -6 });
    expect(weights(together(...replaced), 'v42')['replaced_soon']).toBeGreaterThan(-2);
  });

  test('serves again after a rollback to it', () => {
    const again = timed('v42', 300, 290, { ...rolledBack, previous_version: 'v43' });
    const evidence = together(timed('v42', 900, 800), timed('v43', 600, 590), again);
    expect(Object.keys(weights(evidence))).toEqual(['prior', 'finished_before']);
  });
});

describe('versions that are measured', () => {
  const health = step(0.001, 0.4);
  /** v42 has failed in all its requests until it was replaced. */
  const measured = (stoppedBefore: number): NonNullable<Evidence['by_version']> => {
    const stopped = curve((minutes) => (minutes <= 15 && minutes >= stoppedBefore ? 1 : null));
    const live = curve((minutes) => (minutes > 0 ? 0.001 : 0.4));
    return [
      { version: 'v42', curve: stopped, traffic: stopped.map(([at]) => [at, 20]) },
      { version: 'v41', curve: live, traffic: live.map(([at]) => [at, 80]) },
    ];
  };

  test('one that was replaced eight minutes before the problem is no suspect, and its old errors are not told', () => {
    const changes = [timed('v42', 900, 840), timed('v41', 500, 480)].map(own);
    const { suspects } = correlate(scene({ changes, health, by_version: measured(8), by_version_window: 60 }));
    const found = suspects.find(({ version }) => version === 'v42');
    expect(found?.confidence).toBeLessThan(0.01);
    expect(found?.proof).toBeNull();
    expect(found?.reasons).toContain('against it: v42 received no requests any more when the problem began');
    expect(found?.reasons.join()).not.toContain('100 %');
  });

  test('one that stopped serving is none either, without a record of what replaced it', () => {
    const evidence = scene({ changes: [own(timed('v42', 900, 840))], health, by_version: measured(8) });
    expect(weights(evidence)).toMatchObject({ no_traffic: -4 });
    expect(confidence(evidence)).toBeLessThan(0.01);
  });

  test('one that still has requests is compared, whatever was recorded since', () => {
    const changes = [timed('v42', 900, 840), timed('v41', 500, 480)].map(own);
    const evidence = scene({ changes, health, by_version: measured(-2), by_version_window: 60 });
    expect(weights(evidence)).not.toHaveProperty('no_traffic');
  });

  test('one that was replaced when the problem began stays a suspect: a quick revert does not show at once', () => {
    const evidence = { ...together(timed('v42', 180, 120), timed('v41', 60, 30)), health };
    expect(weights(evidence)['replaced_soon']).toBeGreaterThan(-1);
    expect(confidence(evidence)).toBeGreaterThanOrEqual(IMPROBABLE);
  });
});

test('two versions that roll out together are equal; of two close together, either may be the cause', () => {
  const rolling = together(timed('v41', 90, null, { status: 'started' }), timed('v42', 60, -60));
  expect(Object.keys(weights(rolling, 'v41'))).toEqual(['prior', 'rolling_out']);
  const soon = (finishedBefore: number): number | undefined =>
    weights(
      together(
        timed('v41', 600 + finishedBefore, 480 + finishedBefore),
        timed('v42', 300 + finishedBefore, finishedBefore),
      ),
      'v41',
    )['replaced_soon'];
  expect(soon(1)).toBeCloseTo(0, 1);
  expect(soon(450)).toBeCloseTo(-3);
  expect(soon(900)).toBe(-6);
});

test('a version that was replaced after a minute is not blamed for what begins ten minutes later', () => {
  const { suspects } = correlate(together(timed('v42', 800, 700), timed('v41', 600, 590)));
  expect(suspects.find(({ version }) => version === 'v42')?.confidence ?? 0).toBeLessThan(IMPROBABLE);
});

describe('the same version', () => {
  test('recorded twice is one suspect instead of two rivals', () => {
    const { suspects } = correlate(together(timed('v42', 300, 200), timed('v42', 240, 120)));
    expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
    expect(suspects[1]?.confidence).toBeLessThan(0.1);
  });

  test.each([
    ['healthy for a long time', [timed('v42', 6000, 5900), timed('v42', 240, 120)]],
    ['as before, according to its sender', [timed('v42', 240, 120, { previous_version: 'v42' })]],
  ])('%s was only restarted: approval is required', (_, changes) => {
    const { suspects } = correlate(together(...changes));
    expect(suspects[0]?.factors).toContainEqual(expect.objectContaining({ name: 'same_version' }));
    expect(suspects[0]?.confidence).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
  });
});
