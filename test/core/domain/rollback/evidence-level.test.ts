import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Proof } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence, InstancesOfVersion } from '../../../../core/domain/correlation/evidence.ts';
import type { Factor } from '../../../../core/domain/correlation/factor.ts';
import type { RankedSuspect } from '../../../../core/domain/correlation/ranking.ts';
import { missingEvidence, reliesOn } from '../../../../core/domain/rollback/evidence-level.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { EvidenceLevel } from '../../../../schemas/config/config.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { anyPlain, before, change, clear, inputsOf, NOON } from '../../arbitraries.ts';

const MAX = 0.01;

/** Builds a curve of one sample a minute: `ok` until the problem began, `bad` since. */
const curve = (ok: number, bad: number, began = 0, now = bad): Evidence['health'] => ({
  max: MAX,
  curve: [
    ...Array.from({ length: 90 }, (_, index) => 90 - index)
      .filter((minutes) => minutes > began)
      .map((minutes) => [before(minutes), ok] as const),
    ...Array.from({ length: began + 1 }, (_, index) => [before(began - index), bad] as const),
    [before(-1), now] as const,
  ],
});

/** A version at this level since the problem began. */
const levels = (version: string, bad: number) => ({ version, curve: curve(0.001, bad)?.curve ?? [], traffic: null });

const ROSE = curve(0.001, 0.08);
const ONLY_V2_FAILS: Partial<Evidence> = {
  health: ROSE,
  by_version: [levels('v1', 0.001), levels('v2', 0.2)],
};

/** v2 was rolling out when the problem began, so both versions served. */
const rollingOut = [change('v1', 240), change('v2', 4, { finished_at: null, status: 'started', canary_weight: 0.5 })];

const decided = (level: EvidenceLevel, evidence: Partial<Evidence> = {}, changes = rollingOut) =>
  decide(clear({ changes, evidence, policy: { evidence: level, unknownMigration: 'act' } }));

const codes = (level: EvidenceLevel, evidence?: Partial<Evidence>, changes?: typeof rollingOut) =>
  decided(level, evidence, changes).reasons.map(({ code }) => code);

describe('what automation acts upon, by the level of evidence:', () => {
  test.each(['proved', 'version', 'time'] as const)('%s: a version that alone fails', (level) => {
    const { kind, reasons } = decided(level, ONLY_V2_FAILS);
    expect(kind).toBe('roll_back');
    expect(reasons.at(-1)).toEqual({
      code: 'evidence',
      text: `its version fails, and others do not; its instances were not told apart (evidence: ${level})`,
    });
  });

  test('a version whose instances were measured, which then need no words', () => {
    const text = (versions: readonly InstancesOfVersion[]) =>
      decided('proved', { ...ONLY_V2_FAILS, by_instance: { window: 60, versions } }).reasons.at(-1)?.text;
    const { curve: failing, traffic } = levels('v2', 0.2);
    const instances = ['a', 'b'].map((name) => ({ name, curve: failing, traffic }));
    expect(text([{ version: 'v2', instances }])).toBe('its version fails, and others do not (evidence: proved)');
    for (const versions of [[], [{ version: 'v1', instances }]])
      expect(text(versions)).toContain('no single instance of it is above the limit');
  });

  test.each(['proved', 'version'] as const)('%s: not on coincidence in time, however close', (level) => {
    for (const evidence of [{}, { health: ROSE }]) {
      const { kind, reasons } = decided(level, evidence);
      expect(kind).toBe('approve');
      expect(reasons[0]).toMatchObject({ code: 'not_proved' });
      expect(reasons[0]?.text).toContain('no metrics by version (health.byVersion), so only its time speaks for it');
    }
  });

  test('proved: not on metrics by version that show no difference', () => {
    const { kind, reasons } = decided('proved', {
      health: ROSE,
      by_version: [levels('v1', 0.08), levels('v2', 0.08)],
    });
    expect(kind).not.toBe('roll_back');
    expect(reasons.map(({ code }) => code)).not.toContain('evidence');
  });

  test('time: errors that clearly rose with the change and are high', () => {
    const { kind, reasons } = decided('time', { health: ROSE });
    expect(kind).toBe('roll_back');
    expect(reasons).toContainEqual({
      code: 'evidence',
      text: 'coincidence in time is enough here, without proof (evidence: time)',
    });
  });

  test.each([
    [29, 'roll_back'],
    [32, 'none'],
  ])('time: errors that clearly rose %d minutes after the deploy: %s', (minutes, kind) => {
    const changes = [change('v1', 240), change('v2', minutes + 3)];
    expect(decided('time', { health: ROSE }, changes).kind).toBe(kind);
  });

  test('time: high errors of a service that was not measured before the change', () => {
    const health = { max: MAX, curve: [[before(0.5), 0.08] as const, [before(0), 0.08] as const] };
    expect(decided('time', { health }).kind).toBe('roll_back');
    expect(decided('time', { health: { max: MAX, curve: [[before(0), 0.005] as const] } }).kind).toBe('approve');
  });

  test('time: no health query at all, within five minutes', () => {
    expect(decided('time').kind).toBe('roll_back');
    expect(decided('time', {}, [change('v1', 240), change('v2', 8)]).kind).toBe('roll_back');
  });

  test.each<[string, RegExp, Partial<Evidence>, typeof rollingOut]>([
    [
      'more than five minutes',
      /no health query, and the problem began 6 min after v2/,
      {},
      [change('v1', 240), change('v2', 9)],
    ],
    [
      'more than five minutes after the start of a rollout',
      /the problem began 6 min after v2/,
      {},
      [change('v1', 240), change('v2', 6, { finished_at: null, status: 'started' })],
    ],
    ['a health query that cannot be read', /could not be read/, { health_unreadable: 'timeout' }, rollingOut],
    ['errors that were high before', /no change of this service/, { health: curve(0.08, 0.08) }, rollingOut],
    ['errors that hardly rose', /probably no change caused this/, { health: curve(0.009, 0.012) }, rollingOut],
    [
      'no samples',
      /does not show that errors rose clearly above their limit/,
      { health: { max: MAX, curve: [] } },
      rollingOut,
    ],
    ['errors that are over', /./, { health: curve(0.001, 0.08, 3, 0.001) }, rollingOut],
  ])('time: asks for %s', (_, why, evidence, changes) => {
    const { kind, reasons } = decided('time', evidence, changes);
    expect(kind).not.toBe('roll_back');
    expect(reasons.map(({ text }) => text).join('\n')).toMatch(why);
  });

  test('each decision under time says so, also in the mode approve', () => {
    const asked = decide(clear({ changes: rollingOut, policy: { evidence: 'time', mode: 'approve' } }));
    expect(asked.reasons.map(({ code }) => code)).toEqual(['mode_approve', 'evidence', 'suspect']);
    expect(codes('proved')).not.toContain('evidence');
  });
});

test('the old level is refused with the new ones', () => {
  expect(EvidenceLevel.safeParse('any').error?.issues[0]?.message).toMatch(/"proved".*"time"/);
  expect(EvidenceLevel.safeParse('proof').error?.issues[0]?.message).toContain('proved, version, time');
});

test('only a deploy that is recorded as a canary is called one', () => {
  const on = (weight: number | null): string =>
    reliesOn(
      'proved',
      { proof: 'canary', change: change('v2', 4, { canary_weight: weight }) },
      {
        health: ROSE,
        by_instance: {
          window: 60,
          versions: [{ version: 'v2', instances: [{ name: 'a', curve: [[NOON, 1]], traffic: null }] }],
        },
      },
    );
  expect(on(0.1)).toBe('the canary fails, and its errors explain those of all (evidence: proved)');
  expect(on(null)).toBe(
    'its version has a part of the traffic and fails, and its errors explain those of all (evidence: proved)',
  );
});

describe('why a suspect is not proved', () => {
  const speaks = (name: string, weight = 1, text = name): Factor => ({ name, weight, text, features: {} });
  const TIME = [speaks('prior'), speaks('rolling_out')];
  const ONLY_TIME = ', so only its time speaks for it';
  const why = (suspect: Partial<RankedSuspect>, judged: Partial<Evidence> = {}): string | null =>
    missingEvidence(
      'proved',
      { proof: null, relation: 'same', change: change('v2', 4), factors: TIME, ...suspect } as RankedSuspect,
      { at: NOON, health: ROSE, by_version: null, ...judged },
      NOON,
    );

  test.each<[string, Partial<RankedSuspect>, Partial<Evidence>, string]>([
    ['no metrics by version', {}, {}, `there are no metrics by version (health.byVersion)${ONLY_TIME}`],
    [
      'metrics by version that could not be read',
      {},
      { by_version_window: 60 },
      `the metrics by version (health.byVersion) could not be read${ONLY_TIME}`,
    ],
    [
      'no metrics by version, but pods that cannot start',
      { factors: [...TIME, speaks('cannot_start')] },
      {},
      'there are no metrics by version (health.byVersion)',
    ],
    [
      'no metrics by version, but alerts that name it',
      { factors: [...TIME, speaks('alert_names_it')] },
      {},
      'there are no metrics by version (health.byVersion)',
    ],
    [
      'no metrics by version, and alerts that name it as they name each version that has all traffic',
      { factors: [...TIME, speaks('alert_names_it', 0)] },
      {},
      `there are no metrics by version (health.byVersion)${ONLY_TIME}`,
    ],
    [
      'metrics by version without a comparison',
      {},
      { by_version: [levels('v1', 0.001)] },
      'the metrics by version do not show that only v2 fails',
    ],
    [
      'no requests to its version',
      { factors: [...TIME, speaks('no_traffic', -4.5, 'v2 receives almost no traffic')] },
      { by_version: [levels('v1', 0.001)] },
      'v2 receives almost no traffic',
    ],
    [
      'a deploy of another service',
      { relation: 'dependency' },
      { by_version: [levels('v1', 0.08)] },
      `metrics by version compare only versions of this service${ONLY_TIME}`,
    ],
    [
      'a deploy of another service that fails, too',
      { relation: 'dependency', factors: [...TIME, speaks('dependency_fails_too')] },
      {},
      'metrics by version compare only versions of this service',
    ],
    ['another change', { change: change('c2', 4, { kind: 'config' }) }, {}, 'only its time speaks for it'],
    [
      'another change that others that depend on it show',
      { change: change('c2', 4, { kind: 'infrastructure' }), factors: [...TIME, speaks('common_cause')] },
      {},
      'nothing that speaks for it is a proof',
    ],
  ])('%s', (_, suspect, judged, text) => {
    expect(why(suspect, judged)).toBe(`it is not proved: ${text}`);
  });
});

test('instances matter only where the service itself shows which version fails', () => {
  const on = (proof: Proof | null, more = {}): string =>
    reliesOn('time', { proof, change: change('v2', 4, more) }, { health: null });
  expect(on('version')).toContain('its instances were not told apart');
  expect(on('canary')).toContain('its instances were not told apart');
  for (const text of [on('callers'), on('tested'), on(null), on('version', { kind: 'flag' })])
    expect(text).not.toContain('its instances');
});

describe('changes of which Firebreak learns minutes after the problem and the alert', () => {
  const late = (seconds: number) => ({ ...change('v2', 8), recorded_at: plusSeconds(NOON, seconds) });
  const about = (more: object) => decide(clear({ changes: [change('v1', 240), late(240)], ...more }));

  test.each(EvidenceLevel.options)(
    'are only reported if nothing but their time speaks for them (evidence: %s)',
    (level) => {
      expect(about({ policy: { evidence: level, unknownMigration: 'act' } })).toMatchObject({
        kind: 'suggest',
        from: 'v2',
        to: 'v1',
        reasons: [{ code: 'recorded_late' }, { code: 'suspect' }],
      });
    },
  );

  test('are acted on after a controlled look', () => {
    const look = { suspect: 'v2', other: 'v1', verdict: 'only_suspect', text: 'tested', at: before(-1) } as const;
    expect(about({ policy: { evidence: 'tested', unknownMigration: 'act' }, evidence: { look } }).kind).toBe(
      'roll_back',
    );
  });

  test('are rolled back if a person requests it', () => {
    expect(about({ request: { by: 'person', name: 'ada' } }).kind).toBe('roll_back');
  });

  test('are never acted on or asked about by their time, whatever else is recorded', () => {
    fc.assert(
      fc.property(anyPlain, fc.integer({ min: 121, max: 7200 }), (plain, seconds) => {
        const changes = plain.changes.map((one) => ({ ...one, recorded_at: plusSeconds(NOON, seconds) }));
        const { kind } = decide(inputsOf({ ...plain, changes }));
        if (plain.request.by !== 'person') expect(['roll_back', 'approve', 'wait']).not.toContain(kind);
      }),
    );
  });
});
