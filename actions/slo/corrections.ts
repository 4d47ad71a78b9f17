import type { Deps } from '../../domain/ports/deps.ts';
import type { Slo } from '../../schemas/slo/slo.ts';
import type { NewCorrection, SloCorrection } from '../../schemas/slo/slo-correction.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import type { Caller } from '../people/caller.ts';
import { Refusal } from '../refusal.ts';

/** How many corrections of an objective can be in effect. */
const ACTIVE_MAX = 100;

/** Farther away, a correction has no effect on any window, or is likely a wrong year. */
const FARTHEST_SECONDS = 400 * 86_400;

type CorrectionDeps = Pick<Deps, 'clock' | 'config' | 'sloCorrections'>;

/** @throws Refusal 404 */
export async function configuredSlo({ config }: Pick<Deps, 'config'>, id: string): Promise<Slo> {
  const slo = (await config.current()).slos.find((one) => one.id === id);
  if (slo === undefined) throw new Refusal(404, 'unknown-slo', `no objective has the ID ${id}`);
  return slo;
}

/**
 * Records a period that does not count for an objective, from the next evaluation on.
 *
 * @throws Refusal 403, 404, 409, 422
 */
export async function recordCorrection(
  deps: CorrectionDeps,
  caller: Caller,
  { id, slo: sloId, correction }: { id: string; slo: string; correction: NewCorrection },
): Promise<SloCorrection> {
  const slo = await configuredSlo(deps, sloId);
  caller.allow('slos:write', slo);
  const now = deps.clock.now();
  refuseFarAway(correction, now);
  if ((await deps.sloCorrections.activeOf(slo.id)).length >= ACTIVE_MAX)
    throw new Refusal(
      409,
      'too-many-corrections',
      `${slo.id} already has ${ACTIVE_MAX} corrections in effect; withdraw one, or use a recurring one`,
    );
  const recorded: SloCorrection = {
    ...correction,
    id,
    slo: slo.id,
    service: slo.service,
    environment: slo.environment,
    created_at: now,
    created_by: caller.name,
    withdrawn_at: null,
    withdrawn_by: null,
  };
  await deps.sloCorrections.record(recorded);
  return recorded;
}

/** @throws Refusal 422 */
function refuseFarAway({ starts_at, ends_at, rrule }: NewCorrection, now: Timestamp): void {
  const [earliest, latest] = [plusSeconds(now, -FARTHEST_SECONDS), plusSeconds(now, FARTHEST_SECONDS)];
  const isOver = rrule === null ? ends_at < earliest : starts_at < plusSeconds(earliest, -FARTHEST_SECONDS);
  if (isOver) throw new Refusal(422, 'invalid', `json: starts_at (${starts_at}) is too long ago to change a budget`);
  if (starts_at > latest)
    throw new Refusal(422, 'invalid', `json: starts_at (${starts_at}) must be within 400 days from now`);
}

/**
 * Withdraws a correction: its period counts again from the next evaluation on. The correction stays on record.
 *
 * @throws Refusal 403, 404
 */
export async function withdrawCorrection(
  deps: CorrectionDeps,
  caller: Caller,
  { id, slo: sloId }: { id: string; slo: string },
): Promise<SloCorrection> {
  const slo = await configuredSlo(deps, sloId);
  caller.allow('slos:write', slo);
  const withdrawn = await deps.sloCorrections.withdraw(slo.id, id, caller.name);
  if (withdrawn === undefined)
    throw new Refusal(404, 'unknown-correction', `the objective ${slo.id} has no correction with the ID ${id}`);
  return withdrawn;
}
