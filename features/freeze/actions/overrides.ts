import { policyFor } from '../decisions/policy.ts';
import { stateAt } from '../decisions/state.ts';
import type { Deps } from '../ports.ts';
import type { Freeze, NewOverride, Override } from '../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { type FreezeDeps, requireFreeze, scopeOf } from './freezes.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';

export type ShownOverride = Override & { freeze_id: string };

/**
 * Creates an override of a freeze, with this ID, which is the idempotency key. If the policy requires two people, it
 * waits for approval.
 *
 * @throws Refusal 403, 404, 409, 422
 */
export async function giveOverride(
  deps: FreezeDeps,
  caller: Caller,
  { freeze: freezeId, id, override: input }: { freeze: string; id: string; override: NewOverride },
): Promise<ShownOverride> {
  const freeze = await requireFreeze(deps, freezeId);
  caller.allow('freezes:override', scopeOf(freeze));
  const known = freeze.overrides.find((one) => one.id === id);
  if (known !== undefined) return { ...known, freeze_id: freezeId };
  const override = await newOverride(deps, freeze, input, { id, by: caller.name });
  const after = await deps.freezes.addOverride(freezeId, override);
  deps.reports.forget();
  if (after === undefined) throw freezeHasEnded();
  return { ...override, freeze_id: freezeId };
}

/**
 * Approves an override, as a second person.
 *
 * @throws Refusal 403, 404, 409
 */
export async function approveOverride(
  deps: FreezeDeps,
  caller: Caller,
  { freeze: freezeId, id }: { freeze: string; id: string },
): Promise<ShownOverride> {
  const freeze = await requireFreeze(deps, freezeId);
  caller.allow('freezes:override', scopeOf(freeze));
  if (!freeze.overrides.some((one) => one.id === id)) throw unknownOverride(freezeId, id);
  const after = await deps.freezes.approveOverride(freezeId, id, caller.name);
  deps.reports.forget();
  if (after === 'own')
    throw new Refusal(403, 'own-override', `${requesterText(freeze, id, caller.name)}; another person must approve it`);
  if (after === 'unknown')
    throw new Refusal(
      409,
      'not-waiting',
      'the override is not waiting for approval: it has expired, was withdrawn, or its freeze has ended',
    );
  return overrideIn(after, id);
}

/**
 * Withdraws an override. Deployments that have used it keep their permission.
 *
 * @throws Refusal 403, 404
 */
export async function withdrawOverride(
  deps: FreezeDeps,
  caller: Caller,
  { freeze: freezeId, id, reason }: { freeze: string; id: string; reason: string | undefined },
): Promise<ShownOverride> {
  caller.allow('freezes:override', scopeOf(await requireFreeze(deps, freezeId)));
  const after = await deps.freezes.withdrawOverride(freezeId, id, caller.name, reason);
  deps.reports.forget();
  if (after === undefined) throw unknownOverride(freezeId, id);
  return overrideIn(after, id);
}

function requesterText({ overrides }: Freeze, id: string, by: string): string {
  const requestedBy = overrides.find((one) => one.id === id)?.requested_by ?? by;
  return requestedBy === by
    ? `${by} has requested it`
    : `${requestedBy} has requested it, and counts as the same person as ${by}`;
}

async function newOverride(
  deps: FreezeDeps,
  freeze: Freeze,
  input: NewOverride,
  { id, by }: { id: string; by: string },
): Promise<Override> {
  const now = deps.clock.now();
  if (stateAt(freeze, now) === 'over') throw freezeHasEnded();
  if (input.expires_at <= now)
    throw new Refusal(422, 'invalid', `json: expires_at (${input.expires_at}) must be later than now (${now})`);
  const { people, maxSeconds } = await overridesAt(deps, freeze);
  const latest = plusSeconds(now, maxSeconds);
  if (input.expires_at > latest)
    throw new Refusal(
      422,
      'invalid',
      `json: expires_at must be at most ${maxSeconds / 3600} hours from now, by policy: ${latest}`,
    );
  return {
    id,
    ...input,
    requested_by: by,
    requested_at: now,
    needs_approval: people === 2,
    approved_by: null,
    approved_at: null,
    withdrawn_by: null,
    withdrawn_at: null,
    used_by: [],
  };
}

/** Returns the strictest policy of all services that a freeze applies to. Without a known environment: of production. */
async function overridesAt({ config }: Pick<Deps, 'config'>, { service, environment, team }: Freeze) {
  const { freeze, services } = await config.current();
  const affected = Object.entries(services).filter(
    ([name, entry]) => (service === null || name === service) && (team === null || entry.team === team),
  );
  const policies = (affected.length > 0 ? affected : ([[service ?? '', undefined]] as const)).flatMap(
    ([name, entry]) => {
      const environments = environment === null ? Object.keys(entry?.environments ?? {}) : [environment];
      return (environments.length > 0 ? environments : ['production']).map(
        (each) =>
          policyFor(freeze, {
            service: ServiceName.catch('unknown' as ServiceName).parse(name),
            environment: EnvironmentName.parse(each),
            team: entry?.team ?? null,
            tier: entry?.tier ?? null,
          }).overrides,
      );
    },
  );
  return {
    people: policies.some((policy) => policy.people === 2) ? 2 : 1,
    maxSeconds: Math.min(...policies.map((policy) => policy.maxSeconds)),
  };
}

function overrideIn(freeze: Freeze, id: string): ShownOverride {
  const override = freeze.overrides.find((one) => one.id === id);
  if (override === undefined) throw unknownOverride(freeze.id, id);
  return { ...override, freeze_id: freeze.id };
}

const unknownOverride = (id: string, override: string): Refusal =>
  new Refusal(404, 'unknown-override', `freeze ${id} has no override ${override}`);
const freezeHasEnded = (): Refusal => new Refusal(409, 'freeze-over', 'the freeze has ended, so no override is needed');
