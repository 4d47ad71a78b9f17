import { loaded, readBudgets } from '../../../core/domain/ports/extensions.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { coveredBurnFreeze, FREEZE_DEFAULTS } from '../decisions/causes.ts';
import { policyOf } from '../decisions/policy.ts';
import { stateAt } from '../decisions/state.ts';
import { utcMinuteOfEnd } from '../decisions/words.ts';
import type { Scope } from '../../../core/domain/access/access.ts';
import type { ReportReader } from '../../../core/domain/ports/reports.ts';
import type { Deps } from '../ports.ts';
import type { Freeze, NewFreeze } from '../schemas/freeze.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { resolveScope, servicesIn } from './known-names.ts';
import { recordedFreeze } from './record-freezes.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';

export type FreezeDeps = Pick<Deps, 'freezes' | 'config' | 'changes' | 'clock' | 'incidents' | 'log' | 'reports'>;

/** Returns the scope of the permission. Null means all: a freeze of all services requires permission for all. */
export const scopeOf = ({ service, environment }: Pick<Freeze, 'service' | 'environment'>): Scope => ({
  service,
  environment,
});

/** Returns whether a caller may read a freeze. Read access to part of a freeze's scope is enough. */
export const mayRead = (
  may: (scope: Scope) => boolean,
  { service, environment }: Pick<Freeze, 'service' | 'environment'>,
): boolean => may({ ...(service !== null && { service }), ...(environment !== null && { environment }) });

/**
 * Returns a freeze in its current state.
 *
 * @param reader whose budget it costs to find out that there is none. Null: nobody's, so that what people do is not refused
 * @throws Refusal 404
 */
export async function requireFreeze(deps: FreezeDeps, id: string, reader: ReportReader = null): Promise<Freeze> {
  const freeze = await recordedFreeze(deps, id, reader);
  if (freeze === undefined) throw unknownFreeze(id);
  return freeze;
}

export const unknownFreeze = (id: string): Refusal => new Refusal(404, 'unknown-freeze', `there is no freeze ${id}`);

/**
 * Opens a freeze, now or from a start time.
 *
 * @param input.id ID of the freeze, which is the idempotency key
 * @returns the freeze, with warnings, and the names of the affected services
 * @throws Refusal 403, 422
 */
export async function openFreeze(
  deps: FreezeDeps,
  caller: Caller,
  { id, freeze: input }: { id: string; freeze: NewFreeze },
): Promise<{ freeze: Freeze; warnings: string[]; services: string[] }> {
  caller.allow('freezes:write', scopeOf(input));
  const { warnings, ...scope } = await resolveScope(deps, input);
  const freeze = freezeByPerson(id, { ...input, ...scope }, caller.name, deps.clock.now());
  caller.allow('freezes:write', scopeOf(freeze));
  const { services } = await deps.config.current();
  const opened = await deps.freezes.open(freeze);
  deps.reports.forget();
  return { freeze: opened.freeze, warnings, services: servicesIn(services, freeze) };
}

function freezeByPerson(id: string, input: NewFreeze, by: string, now: Timestamp): Freeze {
  const starts_at = input.starts_at ?? now;
  if (input.until !== null && input.until <= (starts_at < now ? now : starts_at))
    throw new Refusal(422, 'invalid', `json: until: ${input.until} is not later than now and the start`);
  return {
    ...FREEZE_DEFAULTS,
    ...input,
    starts_at,
    id,
    cause: 'person',
    ends_when:
      input.until === null ? 'a person lifts it' : `it expires at ${utcMinuteOfEnd(input.until)}, or is lifted`,
    opened_by: by,
    opened_at: now,
  };
}

/**
 * Lifts a freeze. While its cause persists, no new freeze opens. A freeze that has already ended is unchanged.
 *
 * @param input.reason null: a default text
 * @returns the freeze; `hadEnded`: it had ended before
 * @throws Refusal 403, 404
 */
export async function liftFreeze(
  deps: FreezeDeps & Pick<Deps, 'extensions'>,
  caller: Caller,
  { id, reason }: { id: string; reason: string | null },
): Promise<{ freeze: Freeze; hadEnded: boolean }> {
  const before = await requireFreeze(deps, id);
  caller.allow('freezes:write', scopeOf(before));
  const at = deps.clock.now();
  const how = { at, by: caller.name, reason: reason ?? `Lifted by ${caller.name}`, settled: before.cause === 'person' };
  // First, so that no evaluation opens it in between.
  const burn = stateAt(before, at) === 'in_force' ? await coveredBurn(deps, before) : null;
  if (burn !== null) await deps.freezes.end((await deps.freezes.open(burn)).freeze.id, how);
  const freeze = await deps.freezes.end(id, how);
  deps.reports.forget();
  if (freeze === undefined) throw unknownFreeze(id);
  return { freeze, hadEnded: stateAt(before, at) === 'over' };
}

/** Returns the freeze by the burn rate that a freeze by the spent budget covers now. Null: there is none. */
async function coveredBurn(deps: Pick<Deps, 'clock' | 'config' | 'extensions'>, { cause, slo: id }: Freeze) {
  const config = await deps.config.current();
  const slo = config.slos.find((one) => one.id === id);
  if (cause !== 'budget' || slo === undefined) return null;
  const { statuses } = await readBudgets(await loaded(deps.extensions.errorBudgets), [slo]);
  const status = statuses[0]?.find((one) => one.id === id);
  return status === undefined ? null : coveredBurnFreeze(slo, status, policyOf(config, slo), deps.clock.now(), sha256);
}
