import { describe, expect, test } from 'vitest';
import {
  CLOCK_TOLERANCE_SECONDS,
  MIN_CONFIDENCE_TO_ACT,
  correlate,
  LOOK_BACK_SECONDS,
  MIN_CONFIDENCE_TO_ASK,
} from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { WEIGHTS } from '../../../../core/domain/correlation/weights.ts';
import { before, INCIDENT, NOON } from '../../arbitraries.ts';
import {
  approvalReasons,
  confidence,
  failing,
  of,
  own,
  scene,
  step,
  suspectIn,
  timed,
  v42,
  versionAt,
  weights,
} from './scenes.ts';

const alone = (one: Change) => correlate(scene({ changes: [own(one)] }));

describe('with timing alone, a single change is a suspect', () => {
  test.each([
    ['in progress at the onset, not finished yet', timed('v42', 60, null, { status: 'started' }), 'rolling_out', 0.95],
    ['in progress at the onset, finished since', timed('v42', 60, -120), 'rolling_out', 0.95],
    ['that began exactly at the onset', timed('v42', 0, null, { status: 'started' }), 'rolling_out', 0.95],
    ['that finished exactly at the onset', timed('v42', 180, 0), 'rolling_out', 0.95],
    ['that finished a second before', timed('v42', 180, 1), 'finished_before', 0.95],
    ['that finished ten minutes before', timed('v42', 780, 600), 'finished_before', 0.93],
    ['that finished exactly half an hour before', timed('v42', 2000, LOOK_BACK_SECONDS), 'finished_before', 0.88],
    ['that seems to have begun a second after, since clocks differ', timed('v42', -1, -60), 'clock_skew', 0.73],
    ['that seems to have begun 90 s after', timed('v42', -CLOCK_TOLERANCE_SECONDS, -200), 'clock_skew', 0.73],
    [
      'in progress for an hour, or never reported as finished',
      timed('v42', 3600, null, { status: 'started' }),
      'rolling_out',
      0.91,
    ],
    ['in progress for two hours', timed('v42', 7200, null, { status: 'started' }), 'rolling_out', 0.73],
    ['that failed', timed('v42', 180, 60, { status: 'failed' }), 'finished_before', 0.87],
    ['that is a flag', timed('v42', 1, 1, { kind: 'flag' }), 'finished_before', 0.95],
    ['that is an experiment', timed('v42', 1, 1, { kind: 'experiment' }), 'finished_before', 0.95],
    ['that is configuration', timed('v42', 1, 1, { kind: 'config' }), 'finished_before', 0.95],
    [
      'that is a rollback, which must not be undone automatically',
      timed('v42', 1, 1, { kind: 'rollback' }),
      'finished_before',
      0.73,
    ],
    ['made for another incident', timed('v42', 180, 1, { made_for: 'another' }), 'finished_before', 0.95],
  ] as const)('%s', (_, one, timing, sure) => {
    const { suspects, verdict } = alone(one);
    expect(suspects).toMatchObject([{ change_id: one.id, timing, relation: 'same', confidence: sure }]);
    expect(verdict).toBe('change');
  });

  test('and the reason says "against it" if the change started after the problem', () => {
    const { suspects } = alone(timed('v42', -30, -60));
    expect(suspects[0]?.reasons).toEqual([
      'against it: deploy of v42 started 30 s after the problem began; clocks may differ by that much',
    ]);
  });
});

describe('a change is not a suspect', () => {
  test.each([
    ['that finished more than 30 minutes before', timed('v42', 2000, LOOK_BACK_SECONDS + 1)],
    ['that began more than 90 seconds after', timed('v42', -CLOCK_TOLERANCE_SECONDS - 1, -200)],
    ['that was cancelled', timed('v42', 180, 60, { status: 'cancelled' })],
    ['made for this incident', timed('v42', 180, 60, { made_for: INCIDENT, kind: 'rollback' })],
    ['that is a flag which Firebreak set', timed('v42', 180, 60, { made_for: 'another', kind: 'flag' })],
    ['that began hours ago and was never reported as finished', timed('v42', 3 * 3600, null, { status: 'started' })],
  ])('%s', (_, one) => {
    expect(alone(one)).toMatchObject({ suspects: [], verdict: 'no_change', doubts: [{ code: 'no_change_near' }] });
  });
});

test('half an hour after its end, a deploy still permits automatic action if no evidence contradicts it', () => {
  expect(confidence(scene({ changes: [own(timed('v42', 2000, LOOK_BACK_SECONDS))] }))).toBeGreaterThanOrEqual(
    MIN_CONFIDENCE_TO_ACT,
  );
});

test('clock differences require a person and prevent automatic action', () => {
  const sure = confidence(scene({ changes: [own(timed('v42', -30, -60))] }));
  expect(sure).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
  expect(sure).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
});

describe('the time of a record, by the clock of Firebreak,', () => {
  const health = step(0.002, 0.04);
  const recorded = (seconds: number, one = timed('v42', -30, null, { status: 'started' })) =>
    scene({ health, changes: [own({ ...one, recorded_at: plusSeconds(one.started_at, seconds) })] });

  test('right after the start shows that the clock is right, and the change later than the problem', () => {
    expect(confidence(recorded(2))).toBeLessThan(confidence(recorded(60)));
    expect(confidence(recorded(2))).toBeLessThan(confidence(recorded(-20)));
    expect(confidence(recorded(-1))).toBe(confidence(recorded(2)));
    expect(suspectIn(correlate(recorded(2))).reasons.join()).toContain(
      'it was recorded at once, so its clock is right',
    );
  });

  test('long after the start leaves open whether the change came after the problem', () => {
    const late = timed('v42', 60, null, { status: 'started' });
    expect(weights(recorded(100, late))).toMatchObject({ recorded_late: WEIGHTS.recorded_late });
    expect(weights(recorded(45, late))).not.toHaveProperty('recorded_late');
    expect(weights(recorded(20, late))).not.toHaveProperty('recorded_late');
    expect(confidence(recorded(100, late))).toBeLessThan(confidence(recorded(2, late)));
  });
});

describe('a change that Firebreak learns of after the problem and the alert', () => {
  const recorded = (seconds: number, more: Partial<Evidence> = {}, one = v42()) =>
    scene({ at: before(-10), changes: [own({ ...one, recorded_at: plusSeconds(NOON, seconds) })], ...more });
  const codes = (evidence: Evidence): string => approvalReasons(evidence).join();
  /** v42, which monitoring has seen for so many minutes before noon. */
  const began = (minutes: number) => {
    const one = versionAt('v42', 0.04);
    return { ...one, curve: one.curve.filter(([at]) => at >= before(minutes)) };
  };
  const BECAUSE =
    "recorded_late: v42 was recorded 4 min after the problem began, so its times can't be checked; nothing else speaks for it";

  test('needs evidence besides its time', () => {
    expect(codes(recorded(240))).toContain(BECAUSE);
    expect(codes(recorded(240, { health: step(0.002, 0.04) }))).toContain(BECAUSE);
    expect(suspectIn(correlate(recorded(240))).reasons.join()).toContain('recorded 4 min after the problem began');
  });

  test.each<[string, Evidence]>([
    ['the report came within two minutes', recorded(120)],
    [
      'the report came before the alert',
      recorded(240, { onset: { alertStartedAt: NOON, alertReceivedAt: before(-5), rule: null } }),
    ],
    ['the alerts name its version', recorded(240, { alert_versions: ['v42'] }, timed('v42', 60, null))],
    [
      'its version alone fails',
      recorded(
        240,
        { health: step(0.002, 0.04), by_version: [versionAt('v42', 0.3, 0.2), versionAt('v41', 0.001, 0.8)] },
        timed('v42', 60, null, { status: 'started', canary_weight: 0.2 }),
      ),
    ],
    [
      'monitoring saw its version begin shortly before',
      recorded(240, { health: step(0.002, 0.04), by_version: [began(2), versionAt('v41', 0.04)] }),
    ],
  ])('does not, if %s', (_, evidence) => {
    expect(codes(evidence)).not.toContain('recorded_late');
  });

  test.each<[string, NonNullable<Evidence['by_version']>]>([
    ['its version is as old as monitoring', [began(2)]],
    ['its version had run for an hour', [began(60), versionAt('v41', 0.04)]],
    ['its version began later', [began(-1), versionAt('v41', 0.04)]],
  ])('does, if %s', (_, by_version) => {
    expect(codes(recorded(240, { health: step(0.002, 0.04), by_version }))).toContain('recorded_late');
  });

  test('does not, if the changed dependency fails itself', () => {
    const one = { ...v42(), recorded_at: plusSeconds(NOON, 240) };
    const evidence = (more: Partial<Evidence>): Evidence =>
      scene({ at: before(-10), changes: [of('payments', 'dependency', one)], ...more });
    expect(codes(evidence({}))).toContain('recorded_late');
    expect(codes(evidence({ failing: [failing('payments', 'dependency')] }))).not.toContain('recorded_late');
  });
});

test('the onset is before the alert: a change between the two is not the cause', () => {
  const onset = { alertStartedAt: NOON, rule: { forSeconds: 300, intervalSeconds: 30 } };
  const changes = [own(timed('v42', 200, 100)), own(timed('v41', 600, 400))];
  expect(correlate(scene({ onset, changes })).suspects.map(({ version }) => version)).toEqual(['v41']);
});

test('a change long before the problem is against itself, and the reason says why', () => {
  const measured = correlate(scene({ changes: [own(timed('v42', 1500, 1440))], health: step(0.002, 0.041) }));
  expect(suspectIn(measured).reasons.at(-1)).toMatch(
    /^against it: deploy of v42 finished \d+ min before the problem began; most bad changes show sooner$/,
  );
});

test('the reasons are readable, and all factors are stored', () => {
  const [suspect] = alone(timed('v42', 600, 420)).suspects;
  expect(suspect?.reasons).toEqual(['deploy of v42 finished 7 min before the problem began']);
  expect(suspect?.factors.map(({ name }) => name)).toEqual(['prior', 'finished_before']);
});

test('a rollback is named by the version to which it leads', () => {
  const { suspects } = alone(timed('v41', 180, 60, { kind: 'rollback' }));
  expect(suspects[0]?.reasons.join()).toContain('rollback to v41 finished 60 s before the problem began');
});
