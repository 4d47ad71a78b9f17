import type { CheckInputs } from '../../decisions/check-inputs.ts';
import type { Freeze, Override } from '../../schemas/freeze.ts';
import { millisOf, type Timestamp } from '../../../../schemas/time/time.ts';
import { CHECKOUT, PAYMENTS, type World } from './world.ts';

/**
 * Reference model of the freezes of checkout in production, derived from the actions of people and alerts rather than
 * from freeze records.
 */

type Block = { passes: readonly string[]; overrides: readonly Override[]; wide: boolean };

export function isAllowed(world: World, { request, rollback, identity }: CheckInputs): boolean {
  if (world.pins.some(({ version, state }) => state === 'pinned' && version === request.version)) return false;
  if (request.change === 'rollback' && rollback !== null && rollback.kind !== 'not_known') return true;
  const isVouched = (passes: readonly string[]): boolean =>
    request.change !== 'rollback' &&
    request.change !== 'deploy' &&
    passes.includes(request.change) &&
    identity?.ok === true;
  if (world.policy.stale.deploys === 'deny' && isStale(world) && !isVouched(world.policy.passes)) return false;
  if (!world.known && world.unknownService === 'deny' && !isVouched(world.policy.passes)) return false;
  return blocks(world).every(
    ({ passes, overrides, wide }) =>
      isVouched(passes) || overrides.some((override) => isGood(override, world.now, request, wide)),
  );
}

function isGood(override: Override, now: Timestamp, request: CheckInputs['request'], wide: boolean): boolean {
  const name = request.deployment_id ?? `${request.version ?? ''}@${request.commit ?? ''}`;
  const key = wide ? `${request.service}/${request.environment}/${name}` : name;
  const isAgain = name !== '@' && override.used_by.some(({ deployment }) => deployment === key);
  return (
    override.withdrawn_at === null &&
    now < override.expires_at &&
    !(override.needs_approval && override.approved_by === null) &&
    (override.version === null || override.version === request.version) &&
    (override.uses === null || isAgain || override.used_by.length < override.uses)
  );
}

/** Returns whether an objective of checkout was never evaluated, or its data are older than ten minutes. */
function isStale(world: World): boolean {
  if (world.policy.budget === null && world.policy.burn === 'off') return false;
  const configured = world.objectives().filter(({ service }) => service === CHECKOUT.service);
  const known = [...world.statuses.values()].filter(({ service }) => service === CHECKOUT.service);
  const isOld = (data: Timestamp | null): boolean => data === null || millisOf(world.now) - millisOf(data) > 600_000;
  return configured.length > 0 && (known.length < configured.length || known.some(({ data_at }) => isOld(data_at)));
}

const wideOf = ({ service, environment }: Freeze): boolean => service === null || environment === null;

function blocks(world: World): Block[] {
  const { now, policy } = world;
  const records = [...world.records.values()];
  const holds = ({ cause, starts_at, until, ended_at }: Freeze): boolean =>
    (starts_at <= now || cause !== 'person') && ended_at === null && (until === null || now < until);
  const isOf = (where: typeof CHECKOUT, { service, environment, team }: Freeze): boolean =>
    [null, where.service].includes(service) &&
    [null, where.environment].includes(environment) &&
    [null, where.team].includes(team);
  const isLifted = (record: Freeze | undefined): boolean =>
    record?.ended_by === 'person:bo' && record.settled_at === null;
  const blockOf = (record: Freeze): Block => ({
    passes: policy.passes,
    overrides: record.overrides,
    wide: wideOf(record),
  });

  const latched = records.filter((one) => ['budget', 'burn', 'person'].includes(one.cause) && holds(one));
  const planned = world.calendar.flatMap((entry): Block[] => {
    if (!('from' in entry) || now < entry.from || entry.until <= now) return [];
    if (entry.teams !== undefined && !entry.teams.includes('payments')) return [];
    if (entry.services !== undefined && !entry.services.includes(CHECKOUT.service)) return [];
    const [service = null] = entry.services ?? [];
    const team = entry.teams === undefined ? null : 'payments';
    const [environment = null] = entry.environments ?? [];
    const record = records.find(
      (one) =>
        one.calendar === entry.name &&
        one.starts_at === entry.from &&
        one.service === service &&
        one.team === team &&
        one.environment === environment,
    );
    if (isLifted(record)) return [];
    const wide = service === null || environment === null;
    return [{ passes: entry.passes ?? policy.passes, overrides: record?.overrides ?? [], wide }];
  });
  const severe = policy.incidents === 'warning' ? ['critical', 'warning'] : ['critical'];
  const incidents = world.incidents.flatMap((incident): Block[] => {
    if (policy.incidents === 'off' || incident.status === 'resolved' || !severe.includes(incident.severity)) return [];
    const record = records.find(({ incident_id }) => incident_id === incident.id);
    return isLifted(record) ? [] : [{ passes: policy.passes, overrides: record?.overrides ?? [], wide: false }];
  });
  const ofPayments = latched.filter((one) => isOf(PAYMENTS, one) && !isOf(CHECKOUT, one));
  return [
    ...latched.filter((one) => isOf(CHECKOUT, one)).map(blockOf),
    ...planned,
    ...incidents,
    ...(policy.dependants === 'on' ? ofPayments.map(blockOf) : []),
  ];
}
