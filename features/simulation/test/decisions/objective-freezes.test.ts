import { describe, expect, test } from 'vitest';
import { compare } from '../../decisions/compare.ts';
import { changedObjectives, compareObjectives } from '../../decisions/objectives/compare-freezes.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { HOUR, NOON, outage, type Story } from '../../../slo/test/decisions/pasts.ts';
import { textReport } from '../../decisions/report.ts';
import { at, PERIOD, policy, recordOf } from './objectives.ts';
import { recordedIncident } from './recordings.ts';
import { objective } from '../../../../test/support/objective.ts';

describe('a changed freeze policy', () => {
  const slo = objective();
  const burning = outage(NOON - 6 * HOUR, NOON - 5.5 * HOUR);
  const compared = (
    before: Config,
    after: Config,
    record = recordOf(slo, burning),
    incidents = [recordedIncident(before)],
  ) => compareObjectives(before, after, { records: [record], incidents, period: PERIOD });

  test('says which freezes begin, which no longer do, and for how long', () => {
    const off = policy([slo], { defaults: { burn: 'off', budget: 'off' } });
    const byBurn = policy([slo], { defaults: { budget: 'off' } });
    const found = compared(off, byBurn, undefined, [
      recordedIncident(off, { opened_at: at(-5.9 * HOUR), resolved_at: at(-5 * HOUR) }),
      recordedIncident(off, { opened_at: at(-20 * HOUR), resolved_at: at(-19 * HOUR) }),
    ]);
    expect(found).toMatchObject({
      differences: [{ slo: slo.id, cause: 'burn', before: null, after: { from: at(-6 * HOUR + 300_000) } }],
      before: { freezes: 0, seconds: 0 },
      after: { freezes: 1 },
      unknown: [],
    });
    expect(found.differences[0]?.incidents).toHaveLength(1);
    // The short window of the slower pair, six hours and thirty minutes, holds it after the errors have ended.
    const end = found.differences[0]?.after?.until ?? null;
    expect(end).toBe(at(-5.5 * HOUR + 30 * 60_000));
    expect(compared(byBurn, off).differences).toMatchObject([{ before: { until: end }, after: null }]);
    const nothing = { differences: [], before: { freezes: 0, seconds: 0 }, after: { freezes: 0, seconds: 0 } };
    const report = textReport(compare([], []), {
      since: '1d',
      signals: 0,
      notReplayed: [],
      calendar: nothing,
      objectives: found,
    });
    expect(report).toEqual([
      'No difference in 0 incidents with 0 alerts of the last 1d, 1 difference in freezes by budgets and burn rates',
      '',
      'Freezes by budgets and burn rates:',
      '  freezes deploys of checkout in production by the burn rate of checkout-availability from 2026-11-20 06:05 UTC, for 55 min (during 01TEST00000000000000000001)',
      '  freezes by the changed objectives: 0 before (0 s), 1 after (55 min)',
    ]);
    const longer = policy([slo], { defaults: { budget: 'off', minimumMinutes: 240 } });
    expect(compared(byBurn, longer).differences).toMatchObject([
      {
        before: { from: at(-6 * HOUR + 300_000), until: end },
        after: { until: plusSeconds(at(-6 * HOUR + 300_000), 240 * 60) },
      },
    ]);
    const strict = policy([objective({ target: 0.9999 })], { defaults: { burn: 'off' } });
    expect(compared(off, strict).differences).toMatchObject([
      { cause: 'budget', before: null, after: { until: null } },
    ]);
  });

  test('ends when a person lifted a freeze, as at the time', () => {
    const off = policy([slo], { defaults: { burn: 'off', budget: 'off' } });
    const byBurn = policy([slo], { defaults: { budget: 'off' } });
    const lifted = {
      cause: 'burn' as const,
      starts_at: at(-6 * HOUR + 60_000),
      ended_at: at(-5.8 * HOUR),
      lifted: true,
    };
    const found = compared(off, byBurn, recordOf(slo, burning, { freezes: [lifted] }));
    expect(found.differences).toMatchObject([{ after: { from: at(-6 * HOUR + 300_000), until: at(-5.8 * HOUR) } }]);
    // It does not freeze again until its cause was over once.
    expect(found.after.freezes).toBe(1);
  });

  test('without a change needs no counts, and with one says what was never counted', () => {
    const now = policy([slo]);
    expect(changedObjectives(now, structuredClone(now), PERIOD)).toEqual([]);
    const renamed = policy([objective({ displayName: 'Other', description: 'text' })], {
      defaults: { passes: ['hotfix'] },
    });
    expect(changedObjectives(now, renamed, PERIOD)).toEqual([]);
    const fresh = objective({ id: 'checkout-latency' });
    expect(compared(now, policy([slo, fresh])).unknown).toEqual([
      'cannot be known: the freezes of checkout-latency, because its counts were never recorded',
    ]);
    const other = objective({ indicator: { ...slo.indicator, total: 'other' } });
    expect(compared(now, policy([other]))).toMatchObject({
      differences: [],
      unknown: [expect.stringContaining('counts something else')],
    });
    const late: Story = (from) => (from < NOON - 20 * HOUR || from === NOON - HOUR ? null : burning(from));
    expect(compared(now, policy([objective({ target: 0.99 })]), recordOf(slo, late)).unknown).toEqual([
      'the counts of checkout-availability are recorded from 2026-11-19 16:00 UTC on; earlier ones count as unknown',
      '1 % of the counts of checkout-availability in the period are unknown',
    ]);
    const recorded = { cause: 'burn' as const, starts_at: at(-15 * HOUR), ended_at: at(-14 * HOUR), lifted: false };
    expect(
      compared(now, policy([objective({ target: 0.99 })]), recordOf(slo, burning, { freezes: [recorded] })).unknown,
    ).toEqual([
      'the freeze by the burn rate of checkout-availability from 2026-11-19 21:00 UTC was opened by an alert, or under another policy; it is not compared',
    ]);
  });
});
