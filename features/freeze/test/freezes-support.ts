import type { FreezeDecision } from '../types.ts';
import { CheckRequest, Verdict } from '../schemas/freeze-check.ts';
import { Freeze, Override } from '../schemas/freeze.ts';
import { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/** Returns a refusal. @param bytes of its inputs */
export const decision = (id: string, at: Timestamp, bytes = 10): FreezeDecision => ({
  id,
  at,
  by: 'token:ci',
  request: CheckRequest.parse({ service: 'checkout', environment: 'production', version: 'v42' }),
  verdict: Verdict.parse({
    allowed: false,
    verdict: 'freeze',
    reasons: [{ code: 'budget_spent', text: '297 % of the budget is spent' }],
    data_age_s: 12.345,
    stale: false,
    next_transition_at: null,
    clears_when: 'the budget recovers',
    override: null,
  }),
  inputs: { text: 'x'.repeat(bytes), ratio: 1e-300 },
});

/** Returns a freeze of checkout in production by its budget, from now on. */
export const freeze = (id: string, at: Timestamp, more: object = {}): Freeze =>
  Freeze.parse({
    id,
    cause: 'budget',
    service: 'checkout',
    environment: 'production',
    team: null,
    reason: '297 % of the budget is spent',
    ends_when: 'the budget is below 95 %',
    starts_at: at,
    until: null,
    not_before: plusSeconds(at, 900),
    ended_at: null,
    ended_by: null,
    end_reason: null,
    settled_at: null,
    opened_by: 'evaluation',
    opened_at: at,
    slo: `slo-of-${id}`,
    incident_id: null,
    calendar: null,
    overrides: [],
    ...more,
  });

/** Returns an override for one hour. */
export const override = (id: string, at: Timestamp, more: object = {}): Override =>
  Override.parse({
    id,
    reason: 'the fix has to go out',
    requested_by: 'ada',
    requested_at: at,
    needs_approval: false,
    approved_by: null,
    approved_at: null,
    withdrawn_by: null,
    withdrawn_at: null,
    expires_at: plusSeconds(at, 3600),
    uses: null,
    used_by: [],
    version: null,
    ...more,
  });

/** Returns the status of an objective in production whose budget is spent three times. */
export const status = (id: string, service: string, more: object = {}): SloStatus =>
  SloStatus.parse({
    id,
    service,
    environment: 'production',
    state: 'ok',
    problem: null,
    data_at: '2026-11-20T12:00:00.000Z',
    budget: {
      remaining: -1.97,
      spent_at_least: 2.97,
      coverage: 1,
      events: 4e300, // DynamoDB numbers end at 1e126
      errors: 1e-300,
      significant: true,
    },
    burn_rates: { '5m': null, '30m': 0.1 + 0.2, '1h': 14.4, '2h': 1, '6h': 1, '1d': 1, '3d': 1 },
    burning: [{ severity: 'page', long: '1h', short: '5m', factor: 14.4 }],
    forecast: { spent_at: null, lifts_at: '2026-12-18T12:00:00.000Z', lifts_at_present_burn: null },
    untouched: false,
    source: 'own',
    ...more,
  });
