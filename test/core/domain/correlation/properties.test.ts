import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CLOCK_TOLERANCE_SECONDS,
  MIN_CONFIDENCE_TO_ACT,
  correlate,
  MIN_CONFIDENCE_TO_ASK,
} from '../../../../core/domain/correlation/correlate.ts';
import { type Correlation } from '../../../../core/domain/correlation/ranking.ts';
import type { Evidence, Failing, RelatedChange } from '../../../../core/domain/correlation/evidence.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { anyChanges, before, clearing, INCIDENT, NOON } from '../../arbitraries.ts';
import { afterDeploy, curve, of, own, scene, shifted, step, timed, v42 } from './scenes.ts';
import { runs } from '../../../support/runs.ts';

const anyValue = fc.oneof(
  { weight: 20, arbitrary: fc.double({ min: 0, max: 0.1, noNaN: true }) },
  fc.constantFrom(0, NaN, Infinity, -Infinity, -1),
);

/** Samples in any order, with gaps, duplicates, and values that are not finite; or a step; or none. */
const anyCurve = fc.oneof(
  fc.array(
    fc.tuple(
      fc.integer({ min: -300, max: 7200 }).map((seconds): Timestamp => plusSeconds(NOON, -seconds)),
      anyValue,
    ),
    { maxLength: 60 },
  ),
  fc
    .tuple(fc.double({ min: 0, max: 0.02, noNaN: true }), fc.double({ min: 0, max: 0.9, noNaN: true }))
    .map(([from, to]) => step(from, to).curve),
);

const SERVICES = { dependency: 'payments', shared: 'network', undeclared: 'mail' } as const;

const anyRelated: fc.Arbitrary<RelatedChange[]> = anyChanges.chain((changes) =>
  fc
    .array(
      fc.constantFrom(
        'same' as const,
        'same' as const,
        'dependency' as const,
        'shared' as const,
        'undeclared' as const,
      ),
      {
        minLength: changes.length,
        maxLength: changes.length,
      },
    )
    .map((relations) =>
      changes.map((change, index) => {
        const relation = relations[index] ?? 'same';
        return relation === 'same' ? own(change) : of(SERVICES[relation], relation, change);
      }),
    ),
);

const anyFailing: fc.Arbitrary<Failing[]> = fc.array(
  fc.record({
    service: fc.constantFrom('payments', 'network', 'mail', 'search', 'web'),
    since: fc.integer({ min: -10, max: 10 }).map(before),
    relation: fc.constantFrom('dependent' as const, 'dependency' as const, 'unrelated' as const),
    changed_at: fc.option(fc.integer({ min: -5, max: 60 }).map(before), { nil: null }),
  }),
  { maxLength: 3 },
);

const seldom = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 1 });
const names = fc.constantFrom('v1', 'v2', 'v3', 'v4', 'other');

const anyEvidence: fc.Arbitrary<Evidence> = fc
  .record({
    changes: anyRelated,
    onset: fc.record({
      alertStartedAt: fc.constant(NOON),
      rule: fc.option(fc.record({ forSeconds: fc.integer({ min: 0, max: 900 }), intervalSeconds: fc.constant(30) }), {
        nil: null,
      }),
    }),
    health: seldom(fc.record({ max: fc.constantFrom(0.01, 0.05, 0), curve: anyCurve })),
    traffic: seldom(anyCurve),
    by_version: seldom(
      fc.uniqueArray(
        fc.record({
          version: names,
          curve: anyCurve,
          traffic: fc.option(anyCurve, { nil: null }),
        }),
        { maxLength: 3, selector: ({ version }) => version },
      ),
    ),
    alert_versions: fc.oneof(fc.constant([]), fc.array(names, { maxLength: 3 })),
    failing: fc.oneof(fc.constant([]), anyFailing),
  })
  .map((more) => scene(more));

const shuffled = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...values], { minLength: values.length, maxLength: values.length });

const always = (holds: (evidence: Evidence, correlation: Correlation) => void): void => {
  fc.assert(
    fc.property(anyEvidence, (evidence) => {
      holds(evidence, correlate(evidence));
    }),
    { numRuns: runs(60) },
  );
};

/** Strength of the suspicions without text. */
const plain = ({ suspects, verdict }: Correlation) => ({
  verdict,
  suspects: suspects.map(({ change_id, confidence, timing, factors }) => ({
    change_id,
    confidence,
    timing,
    factors: factors.map(({ name, weight }) => [name, Math.round(weight * 1e6)]),
  })),
});

/** Removes the name of the newest change from the reasons against every change. */
const withoutNewest = (found: Correlation): Correlation => ({
  ...found,
  doubts: found.doubts.map((one) => ({ ...one, text: one.text.replace(/; the newest one, .*$/, '') })),
});

describe('for any evidence,', () => {
  test('confidences are shares of one, in descending order', () => {
    always((_, { suspects }) => {
      for (const [index, { confidence }] of suspects.entries()) {
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(suspects[index - 1]?.confidence ?? 1);
      }
      expect(suspects.reduce((sum, { confidence }) => sum + confidence, 0)).toBeLessThanOrEqual(1 + 1e-9);
    });
  });

  test('a cleared change is not a suspect, and the others keep their weights', () => {
    const weighed = ({ factors }: Correlation['suspects'][number]) => factors;
    fc.assert(
      fc.property(anyEvidence, fc.nat(9), (evidence, which) => {
        const all = correlate(evidence).suspects;
        const gone = all[which % Math.max(1, all.length)];
        if (gone === undefined) return;
        const { suspects } = correlate({ ...evidence, cleared: [clearing(gone.change)] });
        expect(suspects.map(({ change_id }) => change_id)).not.toContain(gone.change_id);
        for (const left of suspects) {
          const was = all.find(({ change_id }) => change_id === left.change_id);
          expect(weighed(left)).toEqual(was && weighed(was));
        }
      }),
      { numRuns: runs(60) },
    );
  });

  test('suspects are distinct changes with possible timing and with reasons', () => {
    always(({ changes }, { suspects, onset }) => {
      expect(new Set(suspects.map(({ change_id }) => change_id)).size).toBe(suspects.length);
      for (const { change, reasons, factors, timing } of suspects) {
        expect(changes.map((one) => one.change)).toContain(change);
        expect(secondsBetween(onset.latest, change.started_at)).toBeLessThanOrEqual(CLOCK_TOLERANCE_SECONDS);
        expect(timing === 'clock_skew').toBe(change.started_at > onset.latest);
        expect(change.made_for).not.toBe(INCIDENT);
        expect(change.status).not.toBe('cancelled');
        expect(reasons.length).toBeGreaterThan(0);
        expect(factors.every(({ weight }) => Number.isFinite(weight))).toBe(true);
        expect(reasons.join(' ')).not.toMatch(/NaN|Infinity|undefined|null/);
      }
    });
  });

  test('the verdict follows from the confidences', () => {
    always((_, { suspects, verdict }) => {
      const first = suspects[0]?.confidence ?? 0;
      expect(verdict === 'change').toBe(first >= MIN_CONFIDENCE_TO_ASK);
      if (first >= MIN_CONFIDENCE_TO_ASK) expect(verdict).not.toBe('no_change');
      if (suspects.length === 0) expect(verdict).toBe('no_change');
    });
  });

  test('a person decides about a suspect without proof if there is any doubt', () => {
    always((_, { suspects, doubts }) => {
      for (const { confidence, proof, relation, approvalReasons: asks } of suspects) {
        if (relation === 'same' && proof === null && doubts.length > 0 && confidence >= MIN_CONFIDENCE_TO_ACT)
          expect(asks).not.toEqual([]);
      }
    });
  });

  test('the order of the evidence does not matter', () => {
    fc.assert(
      fc.property(
        anyEvidence.chain((evidence) =>
          fc.record({
            evidence: fc.constant(evidence),
            changes: shuffled(evidence.changes),
            failing: shuffled(evidence.failing),
            alert_versions: shuffled(evidence.alert_versions),
            by_version: evidence.by_version === null ? fc.constant(null) : shuffled(evidence.by_version),
            traffic: evidence.traffic === null ? fc.constant(null) : shuffled(evidence.traffic),
            curve: shuffled(evidence.health?.curve ?? []),
          }),
        ),
        ({ evidence, curve: samples, ...more }) => {
          const health = evidence.health && { ...evidence.health, curve: samples };
          expect(correlate({ ...evidence, ...more, health })).toEqual(correlate(evidence));
        },
      ),
      { numRuns: runs(60) },
    );
  });

  test('the result is the same after a JSON round trip of finite numbers', () => {
    always((evidence, correlation) => {
      const samples = (evidence.health?.curve ?? []).filter(([, value]) => Number.isFinite(value));
      const told: Evidence = {
        ...evidence,
        health: evidence.health && { ...evidence.health, curve: samples },
        traffic: null,
        by_version: null,
      };
      const read = JSON.parse(JSON.stringify(told)) as Evidence;
      expect(correlate(read)).toEqual(correlate(told));
      expect(correlate(evidence)).toEqual(correlation);
    });
  });

  test('the result does not depend on the absolute time', () => {
    fc.assert(
      fc.property(anyEvidence, fc.integer({ min: -1e9, max: 1e9 }), (evidence, millis) => {
        const { onset, ...later } = correlate(shifted(evidence, millis));
        const { onset: first, ...now } = correlate(evidence);
        expect(secondsBetween(first.at, onset.at)).toBeCloseTo(millis / 1000);
        expect(plain({ onset, ...later })).toEqual(plain({ onset, ...now }));
        expect(later.suspects.map(({ reasons }) => reasons)).toEqual(now.suspects.map(({ reasons }) => reasons));
      }),
      { numRuns: runs(60) },
    );
  });

  test('a change that started after the onset, beyond clock tolerance, changes nothing but the words that name it', () => {
    fc.assert(
      fc.property(anyEvidence, fc.integer({ min: 1, max: 7200 }), names, (evidence, seconds, version) => {
        const known = withoutNewest(correlate(evidence));
        const started_at = plusSeconds(known.onset.latest, CLOCK_TOLERANCE_SECONDS + seconds);
        const later = timed(`${version}-later`, 0, null, { started_at, finished_at: null, status: 'started' });
        const found = correlate({ ...evidence, changes: [...evidence.changes, own(later)] });
        expect(withoutNewest(found)).toEqual(known);
        for (const { code, text } of found.doubts)
          if (code === 'no_change_near') expect(text).toContain('; the newest one, ');
      }),
      { numRuns: runs(60) },
    );
  });

  test('the unit of the health query does not matter', () => {
    fc.assert(
      fc.property(anyEvidence, fc.integer({ min: -6, max: 10 }), (evidence, power) => {
        // Powers of two scale without rounding errors.
        const scale = 2 ** power;
        const { health, by_version } = evidence;
        const scaled: Evidence = {
          ...evidence,
          health: health && {
            max: health.max * scale,
            curve: health.curve.map(([at, value]) => [at, value * scale] as const),
          },
          by_version:
            by_version &&
            by_version.map((one) => ({ ...one, curve: one.curve.map(([at, value]) => [at, value * scale] as const) })),
        };
        expect(plain(correlate(scaled))).toEqual(plain(correlate(evidence)));
      }),
      { numRuns: runs(60) },
    );
  });
});

describe('all else equal,', () => {
  const sure = (evidence: Evidence): number =>
    correlate(evidence).suspects.find(({ version }) => version === 'v42')?.confidence ?? 0;

  test('a larger step never lowers the confidence', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.02, noNaN: true }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.double({ min: 1, max: 20, noNaN: true }),
        fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (from, to, factor, noise) => {
          const noisy = (level: number) =>
            curve((m) => (m > 0 ? from : level) * (noise[Math.abs(Math.round(m * 2)) % noise.length] ?? 1));
          const smaller = sure(afterDeploy({ health: { max: 0.01, curve: noisy(to) } }));
          expect(sure(afterDeploy({ health: { max: 0.01, curve: noisy(to * factor) } }))).toBeGreaterThanOrEqual(
            smaller,
          );
        },
      ),
    );
  });

  test('an older change has less confidence', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1800 }),
        fc.integer({ min: 0, max: 1800 }),
        fc.integer({ min: 0, max: 1200 }),
        fc.constantFrom(null, step(0.002, 0.041)),
        (one, other, took, health) => {
          const [sooner, later] = one < other ? [one, other] : [other, one];
          const at = (finished: number) =>
            sure(scene({ changes: [own(timed('v42', finished + took, finished))], health }));
          expect(at(later)).toBeLessThanOrEqual(at(sooner));
        },
      ),
    );
  });

  test('a second change never raises the confidence of the first', () => {
    fc.assert(
      fc.property(anyEvidence, fc.integer({ min: 0, max: 1800 }), fc.boolean(), (evidence, finished, config) => {
        const changes = [own(v42())];
        const another = own(timed('v99', finished + 120, finished, { kind: config ? 'config' : 'deploy' }));
        const known = { ...evidence, changes };
        const { suspects } = correlate({ ...evidence, changes: [...changes, another] });
        for (const before_ of correlate(known).suspects.filter(({ version }) => version === 'v42')) {
          const now = suspects.find(({ change_id }) => change_id === before_.change_id);
          expect(now?.confidence ?? 0).toBeLessThanOrEqual(before_.confidence);
        }
      }),
      { numRuns: runs(60) },
    );
  });

  test('two equally good suspects prevent automatic action', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1800 }), fc.integer({ min: 1, max: 600 }), (finished, took) => {
        const at = [finished + took, finished] as const;
        const changes = [own(timed('v42', ...at)), own(timed('settings', ...at, { kind: 'config' }))];
        for (const { confidence } of correlate(scene({ changes })).suspects)
          expect(confidence).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
      }),
    );
  });

  test('other failing services never raise the confidence of the own change', () => {
    fc.assert(
      fc.property(anyFailing, (failing) => {
        expect(sure(afterDeploy({ failing }))).toBeLessThanOrEqual(sure(afterDeploy()));
      }),
    );
  });
});
