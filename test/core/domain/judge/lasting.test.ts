import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { controlServices } from '../../../../core/domain/judge/controls.ts';
import type { CanaryEvidence, Control, MetricEvidence } from '../../../../core/domain/judge/evidence.ts';
import { judge } from '../../../../core/domain/judge/judge.ts';
import { acting } from '../../../workflows/play.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';

const SETTINGS = { minRequests: 100, stepSeconds: 30, tolerance: 1.25 };
const START = 1_000_000;
const LOOKS = 10;
const PER_SECOND = 100;
const USUAL = 0.001;

type Errors = (index: number) => number;

const windows = (errors: Errors, length: number, from: number, seconds: number) =>
  Array.from({ length }, (_, index) => ({
    at: from + seconds * (index + 1),
    total: PER_SECOND * seconds,
    bad: PER_SECOND * seconds * errors(index),
  }));

const sides = (version: Errors, before: Errors = () => USUAL) => ({
  version: windows(version, LOOKS, START, 30),
  history: windows(before, 60, START - 3600, 60),
});

const errorsMetric = (version: Errors, before?: Errors, more: object = {}): MetricEvidence => ({
  kind: 'ratio',
  name: 'errors',
  max: null,
  ignoreBelow: 0.002,
  baseline: [],
  ...sides(version, before),
  ...more,
});

const judged = (metric: MetricEvidence, more: Partial<CanaryEvidence> = {}) => {
  const evidence = { version: 'v42', baseline: 'v41', look: LOOKS, metrics: [metric], ...more };
  const { verdict, metrics } = judge(evidence, SETTINGS);
  return { verdict, reason: metrics[0]?.reason, p: metrics[0]?.p };
};

const control = (relation: Control['relation'], version: Errors): Control => ({
  name: 'other',
  relation,
  metrics: [errorsMetric(version)],
});

describe('a full switch', () => {
  test('is degraded by a rise that lasts longer than the bursts before', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        fc.subarray([2, 14, 26, 38, 50]),
        (level, bursts) => {
          const before: Errors = (index) => (bursts.some((at) => index >= at && index < at + 2) ? 0.3 : USUAL);
          expect(judged(errorsMetric(() => level, before)).verdict).toBe('degraded');
        },
      ),
    );
  });

  test('is not degraded by any time that has a quarter as good as usual', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: LOOKS, maxLength: LOOKS }),
        fc.integer({ min: 0, max: LOOKS - 3 }),
        (levels, good) => {
          const errors: Errors = (index) => (index >= good && index < good + 3 ? 0 : (levels[index] ?? 0));
          // Three windows without errors contain a whole quarter, or most of two.
          const { verdict } = judged(errorsMetric(errors));
          expect(verdict).not.toBe('degraded');
        },
      ),
      { examples: [[Array.from({ length: LOOKS }, () => 1), 0]] },
    );
  });

  test('is not degraded by a rise that began before it', () => {
    const older: Errors = (index) => (index >= 55 ? 0.05 : USUAL);
    expect(judged(errorsMetric(() => 0.05, older))).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('it was as bad just before the start'),
    });
  });

  test('is not degraded before nine windows, but at once above a limit', () => {
    const early = { ...errorsMetric(() => 0.05), version: windows(() => 0.05, 1, START, 30) } as MetricEvidence;
    expect(judged(early, { look: 1 })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('needs 5 min with requests; an answer can be expected in 4 min'),
    });
    const limited = { ...early, max: 0.02 } as MetricEvidence;
    expect(judged(limited, { look: 1 })).toMatchObject({ verdict: 'degraded', p: null });
    const before = { ...limited, history: windows(() => 0.05, 60, START - 3600, 60) } as MetricEvidence;
    expect(judged(before, { look: 1 }).verdict).toBe('inconclusive');
  });

  test('is never healthy while its series contain the requests of the old version', () => {
    expect(judged(errorsMetric(() => USUAL)).verdict).toBe('healthy');
    expect(
      judged(
        errorsMetric(() => USUAL),
        { isPartial: true },
      ).verdict,
    ).toBe('inconclusive');
    expect(
      judged(
        errorsMetric(() => 0.05),
        { isPartial: true },
      ).verdict,
    ).toBe('degraded');
  });
});

describe('a control', () => {
  const bad = errorsMetric(() => 0.05);

  test('can refute, and never proves', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('neighbor' as const, 'dependency' as const, 'caller' as const),
        (own, other, relation) => {
          const alone = judged(errorsMetric(() => own)).verdict;
          const beside = judged(
            errorsMetric(() => own),
            { controls: [control(relation, () => other)] },
          ).verdict;
          expect(beside === alone || (alone === 'degraded' && beside === 'inconclusive')).toBe(true);
        },
      ),
    );
  });

  test('that got worse at the same time and stayed so is named', () => {
    expect(judged(bad, { controls: [control('neighbor', () => 0.02)] })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('other got worse at the same time'),
    });
    expect(judged(bad, { controls: [control('neighbor', (index) => (index < 4 ? 0.5 : USUAL))] }).verdict).toBe(
      'degraded',
    );
  });

  test("that calls the service has the version's errors, which do not count", () => {
    expect(judged(bad, { controls: [control('caller', () => 0.05)] }).verdict).toBe('degraded');
    expect(judged(bad, { controls: [control('caller', () => 0.2)] }).verdict).toBe('inconclusive');
  });

  test('is what the service depends on, what calls it, and what shares one of these', () => {
    const { checkout } = acting().services as Record<string, object>;
    const service = (dependsOn: string[]) => ({ ...checkout, dependsOn });
    const services = {
      web: service(['checkout', 'search']),
      checkout: service(['payments']),
      search: service([]),
      payments: service([]),
      billing: service(['payments']),
      mail: service([]),
    } as unknown as ReturnType<typeof acting>['services'];
    const place = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };
    expect(controlServices(services, place)).toEqual([
      { service: 'web', relation: 'caller' },
      { service: 'payments', relation: 'dependency' },
      { service: 'billing', relation: 'neighbor' },
      { service: 'search', relation: 'neighbor' },
    ]);
    expect(controlServices(services, { ...place, environment: EnvironmentName.parse('staging') })).toEqual([]);
  });
});
