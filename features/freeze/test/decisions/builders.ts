import { hash as digest } from 'node:crypto';
import type { CheckInputs } from '../../decisions/check-inputs.ts';
import { FREEZE_DEFAULTS, type Objective } from '../../decisions/causes.ts';
import { DEFAULT_POLICY, type FreezePolicy } from '../../decisions/policy.ts';
import type { CheckedScope } from '../../types.ts';
import type { Freeze, FreezeCause, Override } from '../../schemas/freeze.ts';
import { type CheckReason, CheckRequest } from '../../schemas/freeze-check.ts';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import { DEFAULT_WINDOW, SloId } from '../../../../schemas/slo/slo.ts';
import type { BurnAlert, SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';

/** Builders of freezes, objectives, and checks for the tests: checkout in production, at noon. */

export const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

/** Returns the text of a reason, with the rest. */
export const wholeText = (reason?: CheckReason): string =>
  reason === undefined ? '' : [reason.text, ...(reason.more ?? [])].join('; ');

/** Returns the time in minutes after noon; negative: before noon. */
export const at = (minutes: number): Timestamp => plusSeconds(NOON, minutes * 60);

export const hash = (text: string): string => digest('sha256', text);

export const INCIDENT = IncidentId.parse('01TEST00000000000000000001');

export const serviceEnvironment = (
  service = 'checkout',
  environment = 'production',
  team: string | null = 'payments',
) =>
  ({
    service: ServiceName.parse(service),
    environment: EnvironmentName.parse(environment),
    team,
  }) satisfies CheckedScope;

export const policy = (more: Partial<FreezePolicy> = {}): FreezePolicy => ({ ...DEFAULT_POLICY, ...more });

export const slo = (id = 'checkout-availability', service = 'checkout', environment = 'production'): Objective => ({
  id: SloId.parse(id),
  displayName: id,
  service: ServiceName.parse(service),
  environment: EnvironmentName.parse(environment),
  target: 0.999,
  window: DEFAULT_WINDOW,
});

export const PAGE: BurnAlert = { severity: 'page', long: '1h', short: '5m', factor: 14.4 };
export const TICKET: BurnAlert = { severity: 'ticket', long: '1d', short: '2h', factor: 3 };

type Spending = Partial<Omit<SloStatus, 'budget' | 'forecast'>> & {
  /** Share of the budget; 1 is the whole budget. */
  spent?: number;
  budget?: Partial<SloStatus['budget']>;
  forecast?: Partial<SloStatus['forecast']>;
};

/** Builds the status of an objective, evaluated at noon. */
export function status({ spent = 0.1, budget, forecast, ...more }: Spending = {}): SloStatus {
  const { id, service, environment } = slo();
  return {
    id,
    service,
    environment,
    state: 'ok',
    problem: null,
    data_at: NOON,
    burn_rates: { '5m': 0, '30m': 0, '1h': 0, '2h': 0, '6h': 0, '1d': 0, '3d': 0 },
    burning: [],
    untouched: false,
    source: 'own',
    ...more,
    budget: {
      remaining: 1 - spent,
      spent_at_least: spent,
      coverage: 1,
      events: 1_000_000,
      errors: 1000 * spent,
      significant: true,
      ...budget,
    },
    forecast: { spent_at: null, lifts_at: null, lifts_at_present_burn: null, ...forecast },
  };
}

/** Builds a freeze in force since half an hour before noon. */
export const freeze = (cause: FreezeCause, more: Partial<Freeze> = {}): Freeze => ({
  ...FREEZE_DEFAULTS,
  id: `frz_${cause}`,
  cause,
  service: ServiceName.parse('checkout'),
  environment: EnvironmentName.parse('production'),
  reason: `because of ${cause}`,
  ends_when: 'it is over',
  starts_at: at(-30),
  opened_by: cause === 'person' ? 'person:ada' : 'evaluation',
  opened_at: at(-30),
  slo: cause === 'budget' || cause === 'burn' ? slo().id : null,
  incident_id: cause === 'incident' ? INCIDENT : null,
  calendar: cause === 'calendar' ? 'black friday' : null,
  overrides: [],
  ...more,
});

/** Builds an override requested ten minutes before noon, valid for an hour. */
export const override = (more: Partial<Override> = {}): Override => ({
  id: 'ovr_1',
  reason: 'fixes the cause',
  requested_by: 'person:ada',
  requested_at: at(-10),
  needs_approval: false,
  approved_by: null,
  approved_at: null,
  withdrawn_by: null,
  withdrawn_at: null,
  expires_at: at(50),
  uses: null,
  used_by: [],
  version: null,
  ...more,
});

export const used = (deployment: string): Override['used_by'][number] => ({
  deployment,
  at: at(-5),
  by: 'token:ci',
});

export const pin = (version: string, more: Partial<PinView> = {}): PinView => ({
  id: `pin_${version}`,
  ...serviceEnvironment(),
  version: Version.parse(version),
  incident_id: INCIDENT,
  reason: 'rolled back',
  pinned_at: at(-60),
  lifted_at: null,
  lifted_by: null,
  state: 'pinned',
  newer_version: null,
  ...more,
});

type InputOptions = Partial<Omit<CheckInputs, 'request' | 'own' | 'policy'>> & {
  request?: Partial<Record<keyof CheckRequest, string | null>>;
  freezes?: Freeze[];
  slos?: SloStatus[];
  policy?: Partial<FreezePolicy>;
};

/** Builds the inputs for a deploy of v2 at noon, with one healthy objective. */
export function inputs({
  request,
  freezes = [],
  slos = [status()],
  policy: rules,
  ...more
}: InputOptions = {}): CheckInputs {
  const asked = CheckRequest.parse({
    service: 'checkout',
    environment: 'production',
    version: 'v2',
    deployment_id: 'run-1',
    ...request,
  });
  return {
    at: NOON,
    request: asked,
    isKnownService: true,
    unknownService: 'allow',
    policy: policy(rules),
    scope: serviceEnvironment(asked.service, asked.environment),
    objectives: slos.length,
    own: { freezes, slos },
    dependencies: [],
    calendar: [],
    incidents: [],
    pins: [],
    rollback: null,
    identity: null,
    evaluatedAt: NOON,
    ...more,
  };
}
