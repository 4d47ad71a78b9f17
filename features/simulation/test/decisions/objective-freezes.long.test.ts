import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { planFreezes } from '../../../freeze/decisions/budget/plan-freezes.ts';
import { policyFor } from '../../../freeze/decisions/policy.ts';
import type { ObjectiveRecord } from '../../decisions/objectives/compare-freezes.ts';
import { historyOf } from '../../decisions/objectives/counts.ts';
import { countsNeeded, replayFreezes } from '../../decisions/objectives/replay-freezes.ts';
import { historySeconds } from '../../../slo/decisions/budget/account.ts';
import { spansOf } from '../../../slo/decisions/corrections.ts';
import { bucketAt, indexOf } from '../../../slo/decisions/history.ts';
import { statusOf } from '../../../slo/decisions/status.ts';
import type { Freeze } from '../../../freeze/schemas/freeze.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import type { SloCorrection } from '../../../slo/schemas/slo-correction.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { hash } from '../../../freeze/test/decisions/builders.ts';
import { DAY, NOON, pastOf, type Story } from '../../../slo/test/decisions/pasts.ts';
import { PERIOD, policy, recordOf } from './objectives.ts';
import { objective, rolling } from '../../../../test/support/objective.ts';

const inputsOf = (slo: Slo, record: ObjectiveRecord) => ({
  history: historyOf(record.days, { from: countsNeeded(slo, PERIOD.from), until: NOON }),
  recorded: record,
});

const rulesOf = (freeze: object) =>
  policyFor(policy([], freeze).freeze, { ...objective(), team: 'payments', tier: null });

/** Evaluates as the product does, with the whole status, every five minutes. */
function evaluated(slo: Slo, story: Story, freeze: object, corrections: SloCorrection[]): unknown[] {
  const rules = rulesOf(freeze);
  const all: Freeze[] = [];
  let current: Freeze[] = [];
  for (let now = NOON - DAY; now <= NOON; now += 300_000) {
    const moment = timestamp(now);
    const active = corrections
      .filter(
        ({ created_at, withdrawn_at }) => created_at <= moment && (withdrawn_at === null || withdrawn_at > moment),
      )
      .map((correction) => ({
        correction,
        spans: spansOf(correction, { from: now - historySeconds(slo) * 1000, until: now + DAY }),
      }));
    const past = pastOf(slo, story, now);
    const known = bucketAt(past, indexOf(now) - 1) !== null;
    const status = statusOf(slo, past, null, {
      state: known ? 'ok' : 'unreadable',
      problem: null,
      source: 'own',
      unread: null,
      now,
      levels: { warn: 1, freeze: 1, liftBelow: 1 },
      corrections: active,
    });
    const plan = planFreezes(
      {
        at: moment,
        objectives: [{ slo, status, policy: rules, alerting: null }],
        incidents: [],
        calendar: { at: moment, until: null, spans: [] },
        current,
      },
      hash,
    );
    for (const { id, at: ended } of plan.end) for (const one of current) if (one.id === id) one.ended_at = ended;
    const over = new Set([...plan.end, ...plan.settle].map(({ id }) => id));
    all.push(...plan.open);
    current = [...current.filter(({ id }) => !over.has(id)), ...plan.open];
  }
  return all.map(({ cause, starts_at: from, ended_at: until }) => ({ cause, from, until }));
}

const anyWindow = fc.constantFrom(rolling(1), {
  kind: 'calendar',
  unit: 'day',
  count: 1,
  timeZone: 'Europe/Berlin',
  start: '2026-01-01T00:00:00',
} as const);
const anyBudgeting = fc.constantFrom(
  { kind: 'occurrences' },
  { kind: 'timeslices', sliceSeconds: 900, sliceTarget: 0.95 },
);
/** Bursts of errors and gaps of the day, in five-minute buckets. */
const anyBursts = fc.array(
  fc.record({
    first: fc.nat(287),
    length: fc.integer({ min: 1, max: 40 }),
    errors: fc.option(fc.integer({ min: 0, max: 1000 }), { freq: 6 }),
  }),
  { maxLength: 5 },
);
const anyCorrections = fc.array(
  fc.record({
    first: fc.nat(280),
    length: fc.integer({ min: 1, max: 30 }),
    told: fc.nat(287),
    withdrawn: fc.boolean(),
  }),
  { maxLength: 2 },
);

test('the replay of an objective opens and ends the freezes that evaluations every five minutes would', () => {
  let opened = 0;
  fc.assert(
    fc.property(anyWindow, anyBudgeting, anyBursts, anyCorrections, (window, budgeting, bursts, corrected) => {
      const slo = objective({ target: 0.95, window, budgeting });
      const story: Story = (from) => {
        const slot = (from - (NOON - DAY)) / 300_000;
        if (slot < 0) return { events: 1000, errors: 0 };
        const burst = bursts.find(({ first, length }) => slot >= first && slot < first + length);
        if (burst === undefined) return { events: 1000, errors: 0 };
        return burst.errors === null ? null : { events: 1000, errors: burst.errors };
      };
      const corrections = corrected.map(({ first, length, told, withdrawn }, n): SloCorrection => {
        const start = NOON - DAY + first * 300_000;
        return {
          id: `cor_${n}`,
          slo: slo.id,
          service: slo.service,
          environment: slo.environment,
          category: 'load_test',
          reason: 'test',
          starts_at: timestamp(start),
          ends_at: timestamp(start + length * 300_000),
          rrule: null,
          time_zone: null,
          created_at: timestamp(NOON - DAY + told * 300_000),
          created_by: 'person:ada',
          withdrawn_at: withdrawn ? timestamp(NOON - DAY + (told + 20) * 300_000) : null,
          withdrawn_by: null,
          withdraw_reason: null,
          ended_at: null,
          ended_by: null,
          end_reason: null,
        };
      });
      const freeze = { defaults: { burn: 'ticket' } };
      const record = recordOf(slo, story, { corrections });
      const replayed = replayFreezes(slo, rulesOf(freeze), inputsOf(slo, record), PERIOD);
      expect(replayed).toEqual(evaluated(slo, story, freeze, corrections));
      opened += replayed.length;
    }),
    { numRuns: 12, seed: 19 },
  );
  expect(opened).toBeGreaterThan(8);
});
