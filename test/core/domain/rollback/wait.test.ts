import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Curve, Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { isRecovering } from '../../../../core/domain/correlation/recovery.ts';
import type { Decision, DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { WAITS_MAX } from '../../../../core/domain/rollback/wait.ts';
import { anyPlain, before, change, clear, inputsOf, NOON, type Plain } from '../../arbitraries.ts';
import { curve, step } from '../correlation/scenes.ts';

/** Evidence of now, four minutes after errors began at noon. */
const after = (
  value: (minutesBeforeNoon: number) => number | null,
  more: Partial<Evidence> = {},
): Partial<Evidence> => ({
  at: before(-2),
  health: { max: 0.01, curve: curve(value) },
  ...more,
});

/** Errors that halve every half minute since noon, after a baseline. */
const falling = after((minutes) => (minutes > 0 ? 0.001 : 0.5 * 2 ** (2 * minutes)));
const level = after((minutes) => (minutes > 0 ? 0.001 : minutes > -0.5 ? 0.5 : 0.2));

/** The last deploy ended right before the errors. */
const changes = [change('v1', 240), change('v2', 2, { finished_at: before(0.2) })];

const waiting = (evidence: Partial<Evidence>, more: Partial<Plain> = {}, waits = WAITS_MAX): Decision =>
  decide({ ...clear({ changes, policy: { evidence: 'proved' }, evidence, ...more }), waits_left: waits });

const sampled = after((minutes) => (minutes > 0 ? 0.001 : minutes === 0 ? 0.5 : null), { at: NOON });

test.each<[string, Partial<Evidence>, string]>([
  ['errors fall', falling, 'errors_fall'],
  [
    'several other services recover',
    { ...after((minutes) => (minutes > 0 ? 0.001 : 0.5)), recovering: ['cart', 'search'] },
    'services_recover',
  ],
  ['there is one sample since the problem began', sampled, 'sample_missing'],
])('waits instead of asking while %s', (_words, evidence, because) => {
  const { kind, reasons, from, to } = waiting(evidence);
  expect([kind, reasons[0]?.code, from, to]).toEqual(['wait', because, 'v2', 'v1']);
  expect(waiting(evidence, {}, 0).kind).toBe('approve');
});

test.each<[string, Partial<Evidence>, Partial<Plain>]>([
  ['errors have fallen, and do not fall any further', level, {}],
  ['one other service recovers', { ...after((minutes) => (minutes > 0 ? 0.001 : 0.5)), recovering: ['cart'] }, {}],
  ['errors stay', { health: step(0.001, 0.5), at: before(-3) }, {}],
])('asks at once if %s', (_words, evidence, more) => {
  expect(waiting(evidence, more).kind).toBe('approve');
});

test('errors that only callers see have not ended with those that the service sees itself', () => {
  const traffic = curve(() => 10);
  const callers = {
    max: 0.01,
    whole: 1 as const,
    window: 60,
    versions: [
      { version: 'v1', curve: curve(() => 0), traffic },
      { version: 'v2', curve: curve((minutes) => (minutes > 6 ? 0 : 0.4)), traffic },
    ],
  };
  const few = (minutes: number): number => (minutes > 1 && minutes <= 3 ? 0.008 : 0);
  const by_version = [
    { version: 'v1', curve: curve(() => 0), traffic },
    { version: 'v2', curve: curve(few), traffic },
  ];
  const own = after(few, { by_version });
  const rolledOut = [change('v1', 240), change('v2', 8, { finished_at: before(6.2) })];
  const { kind, reasons } = waiting({ ...own, callers }, { changes: rolledOut });
  expect([kind, reasons.some(({ code }) => code === 'errors_fall')]).toEqual(['approve', false]);
});

/** Values since noon, after a baseline of two hours, until so many minutes later. */
const rising = (minutes: number, value: (since: number) => number): Curve =>
  Array.from({ length: 240 + 2 * minutes }, (_, n) => n / 2 - 120).map((since) => [
    before(-since),
    since < 0 ? 0.001 : value(since),
  ]);

/** Values of a query over five minutes, of a service whose errors are `minute` at these minutes since noon, until so many minutes later. */
const overFive = (until: number, minute: (since: number) => number): Partial<Evidence> => {
  const value = (since: number): number =>
    Array.from({ length: 300 }, (_, second) => since - second / 60)
      .map((time) => (time < 0 ? 0.001 : minute(time)))
      .reduce((sum, one) => sum + one / 300, 0);
  return { at: before(-until), health: { max: 0.01, window: 300, whole: 1, curve: rising(until, value) } };
};
const ends = (since: number): number => (since < 2 ? 0.2 : 0.001);
const falls = (since: number): number => (since < 2 ? 0.2 : 0.04);
const stays = (): number => 0.2;

test.each<[string, Partial<Evidence>, number, [Decision['kind'], string | undefined, number | undefined]]>([
  ['errors that stay, too early to tell', overFive(2, stays), 5, ['wait', 'too_soon', 60]],
  ['errors that stay', overFive(3, stays), 5, ['approve', 'not_proved', undefined]],
  ['errors that fall', overFive(4, falls), 5, ['wait', 'errors_fall', 60]],
  ['errors that fall, after three minutes', overFive(6, falls), 2, ['wait', 'errors_fall', 180]],
  ['errors that stay, after three minutes', overFive(6, stays), 2, ['approve', 'not_proved', undefined]],
  ['errors that fall, after all waits', overFive(9, falls), 0, ['approve', 'not_proved', undefined]],
  ['errors that have just ended', overFive(4, ends), 5, ['wait', 'errors_fall', 60]],
  ['errors that ended three minutes ago', overFive(6, ends), 5, ['none', 'errors_fall', undefined]],
  ['errors that ended, after all waits', overFive(6, ends), 0, ['none', 'errors_fall', undefined]],
])('decides about %s, although the query still shows them', (_words, evidence, waits, expected) => {
  const { kind, reasons, wait_seconds: seconds } = waiting(evidence, {}, waits);
  expect([kind, reasons[0]?.code, seconds]).toEqual(expected);
});

test('asks about errors that ended if it is no question of the workflow', () => {
  expect(decide(clear({ changes, policy: { evidence: 'proved' }, evidence: overFive(6, ends) })).kind).toBe('approve');
});

/** Errors of the version that has replaced another one, and of its instances, which have served for a minute and a half, by a query of which the window is not known. */
const values = rising(1.5, () => 0.2);
const own = values.slice(240);
const young: Partial<Evidence> = {
  at: before(-1),
  health: { max: 0.01, curve: values },
  by_version: [
    { version: 'v1', curve: values.slice(0, 236), traffic: values.slice(0, 236).map(([at]) => [at, 20]) },
    { version: 'v2', curve: own, traffic: own.map(([at]) => [at, 20]) },
  ],
};
const instances = ['a', 'b'].map((name) => ({ name, curve: own, traffic: null }));

test.each<[minutes: number, Decision['kind']]>([
  [0.5, 'wait'],
  [1, 'wait'],
  [2, 'wait'],
  [3, 'roll_back'],
])(
  'evidence: time looks again while instances that fail have only just started: %d min after errors began',
  (minutes, kind) => {
    const all = rising(minutes, () => 0.2);
    const ofNew = all.slice(240);
    const traffic = all.map(([at]) => [at, 20] as const);
    const evidence: Partial<Evidence> = {
      at: before(-minutes),
      health: { max: 0.01, window: 300, curve: all },
      by_version: [
        { version: 'v1', curve: all.map(([at]) => [at, 0.001] as const), traffic },
        { version: 'v2', curve: ofNew, traffic: traffic.slice(240) },
      ],
      by_instance: {
        window: 300,
        versions: [{ version: 'v2', instances: ['a', 'b'].map((name) => ({ name, curve: ofNew, traffic: null })) }],
      },
    };
    expect(waiting(evidence, { policy: { evidence: 'time', mode: 'act' } }).kind).toBe(kind);
  },
);

test.each<[string, Partial<Evidence>, Decision['kind']]>([
  [
    'its instances are too new to show that',
    { by_instance: { window: 60, versions: [{ version: 'v2', instances }] } },
    'wait',
  ],
  ['nothing shows that soon', { by_version: null }, 'approve'],
])('a question about errors whose fall the query does not show soon: %s', (_words, more, kind) => {
  const decided = waiting({ ...young, ...more });
  expect(decided.kind).toBe(kind);
  if (kind === 'wait') expect(decided.reasons[0]?.code).toBe('too_soon');
});

test('shadow mode waits as well, and a report does not', () => {
  expect(waiting(falling, { policy: { mode: 'shadow' } }).kind).toBe('wait');
  expect(waiting(falling, { policy: { mode: 'suggest' } }).kind).toBe('suggest');
});

/** Errors that grow since noon, or stay, a quarter of an hour after the end of the last deploy. */
const long = [change('v1', 240), change('v2', 17, { finished_at: before(15) })];
const growing = after((minutes) => (minutes > 0 ? 0.001 : 0.02 - minutes * 0.02));
const lasting = after((minutes) => (minutes > 0 ? 0.001 : 0.1));

test('a report of no cause waits while errors grow, because the next samples show when they began', () => {
  const { kind, reasons } = waiting(growing, { changes: long });
  expect([kind, reasons[0]?.code, reasons[1]?.code]).toEqual(['wait', 'errors_grow', 'no_confident_suspect']);
  expect(waiting(growing, { changes: long }, 0).kind).toBe('none');
  expect(waiting(lasting, { changes: long }).kind).toBe('none');
});

test('a deploy is asked about if errors have grown for half of the time since its end', () => {
  const at = (minutes: number, value: (since: number) => number) =>
    waiting(
      { at: before(-minutes), health: { max: 0.01, window: 60, curve: rising(minutes, value) } },
      { changes: long },
      0,
    );
  expect(at(8, (since) => 0.01 + 0.02 * since).kind).toBe('approve');
  expect(at(8, () => 0.1).kind).toBe('none');
});

const anyEvidence = fc.constantFrom<Partial<Evidence>>(falling, level, sampled, growing, {
  ...level,
  recovering: ['cart', 'search'],
});

test('a wait, or a report that errors have ended, replaces a question, a decision in shadow mode, or a report of no cause, names the same act, and never a request by a person', () => {
  fc.assert(
    fc.property(anyPlain, anyEvidence, fc.nat(WAITS_MAX), (plain, evidence, waits) => {
      const inputs: DecisionInputs = inputsOf({ ...plain, changes, evidence });
      const [without, decision] = [decide(inputs), decide({ ...inputs, waits_left: waits })];
      if (decision.kind !== 'wait' && decision.reasons[0]?.code !== 'errors_fall') {
        expect(decision).toEqual(without);
        return;
      }
      expect(waits).toBeGreaterThan(0);
      expect(['approve', 'shadow', ...(decision.reasons[0]?.code === 'errors_grow' ? ['none'] : [])]).toContain(
        without.kind,
      );
      expect(inputs.request.by).not.toBe('person');
      expect(decision.reasons.slice(1)).toEqual(without.reasons);
      expect([decision.from, decision.to, decision.target]).toEqual([without.from, without.to, without.target]);
    }),
  );
});

const cases: [string, boolean, Curve][] = [
  ['errors have ended', true, curve((minutes) => (minutes > 0 ? 0.001 : minutes > -1 ? 0.4 : 0.002))],
  ['errors have fallen by half', true, curve((minutes) => (minutes > 0 ? 0.001 : minutes > -1 ? 0.4 : 0.2))],
  ['errors stay', false, curve((minutes) => (minutes > 0 ? 0.001 : 0.4))],
  ['only the newest sample is good', false, curve((minutes) => (minutes > 0 ? 0.001 : minutes > -2 ? 0.4 : 0.002))],
  ['errors have begun before and ended', true, curve((m) => (m > 3 ? 0.001 : m > -1 ? 0.4 : 0.002))],
  ['errors had ended when the problem began', false, curve((m) => (m > 4 || m < 1 ? 0.001 : 0.4))],
  ['it never failed', false, curve(() => 0.001)],
  ['it is not measured any more', false, curve((minutes) => (minutes > 2 ? 0.001 : minutes > 1 ? 0.4 : null))],
];
test.each(cases)('a service recovers or not: %s', (_words, recovers, samples) => {
  expect(isRecovering({ max: 0.01, curve: samples }, NOON, before(-2))).toBe(recovers);
});
