import type { Deps } from '../ports.ts';
import { accountOf, historySeconds } from '../decisions/budget/account.ts';
import { budgetOf } from '../decisions/budget/budget.ts';
import { burnRatesOf } from '../decisions/budget/burn.ts';
import type { Span } from '../decisions/budget/period.ts';
import { excludedMs, isPast, nextSpans, spansOf } from '../decisions/corrections.ts';
import { BUCKET_MS, indexOf } from '../decisions/history.ts';
import type { CorrectionPreview } from '../schemas/correction-preview.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import type { NewCorrection, SloCorrection } from '../schemas/slo-correction.ts';
import { millisOf, plusSeconds, timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { storedHistory } from './history.ts';

/** How many corrections of an objective can be in effect. */
const ACTIVE_MAX = 100;

/** Farther away, a correction has no effect on any window, or is likely a wrong year. */
const FARTHEST_SECONDS = 400 * 86_400;

type CorrectionDeps = Pick<Deps, 'clock' | 'config' | 'reports' | 'sloCorrections'>;

/** @throws Refusal 404 */
export async function configuredSlo({ config }: Pick<Deps, 'config'>, id: string): Promise<Slo> {
  const slo = (await config.current()).slos.find((one) => one.id === id);
  if (slo === undefined) throw new Refusal(404, 'unknown-slo', `no objective has the ID ${id}`);
  return slo;
}

/**
 * Records a period that does not count for an objective, from the next evaluation on. A repetition with the same ID
 * returns the correction that is recorded.
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
  const active = await deps.sloCorrections.activeOf(slo.id);
  if (active.length >= ACTIVE_MAX && active.every((one) => one.id !== id))
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
    withdraw_reason: null,
    ended_at: null,
    ended_by: null,
    end_reason: null,
  };
  const stored = await deps.sloCorrections.record(recorded);
  deps.reports.forget();
  if (contentOf(stored) !== contentOf(recorded))
    throw new Refusal(
      409,
      'correction-exists',
      `the correction ${id} is already recorded with other values; start again`,
    );
  if (stored.withdrawn_at !== null)
    throw new Refusal(409, 'correction-exists', `the correction ${id} was recorded and then withdrawn; start again`);
  return stored;
}

/** Fields of a correction that a repeated request gives again. The others are of its first request, or came later. */
const contentOf = ({ category, reason, starts_at, ends_at, rrule, time_zone, created_by }: SloCorrection): string =>
  JSON.stringify([category, reason, starts_at, ends_at, rrule, time_zone, created_by]);

/** @throws Refusal 422 */
function refuseFarAway({ starts_at, ends_at, rrule }: NewCorrection, now: Timestamp): void {
  const [earliest, latest] = [plusSeconds(now, -FARTHEST_SECONDS), plusSeconds(now, FARTHEST_SECONDS)];
  const isOver = rrule === null ? ends_at < earliest : starts_at < plusSeconds(earliest, -FARTHEST_SECONDS);
  if (isOver) throw new Refusal(422, 'invalid', `json: starts_at (${starts_at}) is too long ago to change a budget`);
  if (starts_at > latest)
    throw new Refusal(422, 'invalid', `json: starts_at (${starts_at}) must be within 400 days from now`);
}

type Ending = { id: string; slo: string; reason: string | null };

/**
 * Withdraws a correction: its period counts again from the next evaluation on. The correction stays on record.
 *
 * @throws Refusal 403, 404
 */
export const withdrawCorrection = (deps: CorrectionDeps, caller: Caller, ending: Ending): Promise<SloCorrection> =>
  endOrWithdraw('withdraw', deps, caller, ending);

/**
 * Ends a correction now: its earlier periods stay left out, and no later one is.
 *
 * @throws Refusal 403, 404; 409 if it is withdrawn, has not started yet, or is over
 */
export const endCorrection = (deps: CorrectionDeps, caller: Caller, ending: Ending): Promise<SloCorrection> =>
  endOrWithdraw('end', deps, caller, ending);

async function endOrWithdraw(
  how: 'end' | 'withdraw',
  deps: CorrectionDeps,
  caller: Caller,
  { id, slo: sloId, reason }: Ending,
): Promise<SloCorrection> {
  const slo = await configuredSlo(deps, sloId);
  caller.allow('slos:write', slo);
  if (how === 'end') await refuseEnd(deps, slo, id);
  const found = await deps.sloCorrections[how](slo.id, id, { by: caller.name, reason });
  deps.reports.forget();
  if (found === undefined)
    throw new Refusal(404, 'unknown-correction', `the objective ${slo.id} has no correction with the ID ${id}`);
  if (how === 'end' && found.withdrawn_at !== null)
    throw new Refusal(
      409,
      'correction-not-running',
      `the correction ${id} is withdrawn, so none of its periods is left out`,
    );
  if (how === 'end' && found.ended_at === null) throw alreadyOver(id);
  return found;
}

/** @throws Refusal 409 */
async function refuseEnd({ sloCorrections, clock }: CorrectionDeps, slo: Slo, id: string): Promise<void> {
  const found = (await sloCorrections.activeOf(slo.id)).find((one) => one.id === id);
  if (found === undefined || found.ended_at !== null) return;
  const now = clock.now();
  if (found.starts_at > now)
    throw new Refusal(409, 'correction-not-running', `the correction ${id} has not started yet; withdraw it instead`);
  if (isPast(found, millisOf(now))) throw alreadyOver(id);
}

const alreadyOver = (id: string): Refusal =>
  new Refusal(
    409,
    'correction-not-running',
    `the correction ${id} is already over; withdraw it to count its period again`,
  );

/** How many of the next periods a preview shows. */
const NEXT_SHOWN = 3;

/**
 * Computes what a correction would change, and records nothing.
 *
 * @throws Refusal 403, 404, 422; 503 if the stored counts cannot be read
 */
export async function previewCorrection(
  deps: CorrectionDeps & Pick<Deps, 'sloDays'>,
  caller: Caller,
  { slo: sloId, correction }: { slo: string; correction: NewCorrection },
): Promise<CorrectionPreview> {
  const slo = await configuredSlo(deps, sloId);
  caller.allow('slos:write', slo);
  const at = deps.clock.now();
  refuseFarAway(correction, at);
  const now = indexOf(millisOf(at)) * BUCKET_MS;
  const within = { from: now - historySeconds(slo) * 1000, until: now };
  const history = await storedHistory(deps.sloDays, slo, historySeconds(slo), now).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error;
    throw new Refusal(503, 'unavailable', `the stored counts of ${slo.id} cannot be read: ${error.message}`);
  });
  const others = (await deps.sloCorrections.activeOf(slo.id)).flatMap((one) => spansOf(one, within));
  const own = spansOf({ ...correction, ended_at: null }, within);
  const account = (excluded: readonly Span[]) => accountOf(slo, history, null, now, excluded);
  const valuesOf = (excluded: readonly Span[]): CorrectionPreview['present'] => {
    const one = account(excluded);
    return { budget: budgetOf(one), burn_rates: burnRatesOf(one) };
  };
  const window = { from: account([]).span.from, until: now };
  return {
    slo: slo.id,
    at: timestamp(now),
    present: valuesOf(others),
    corrected: valuesOf([...others, ...own]),
    uncorrected: valuesOf([]),
    excluded_seconds: (excludedMs([...others, ...own], window) - excludedMs(others, window)) / 1000,
    past_periods: own.length,
    next_periods: nextSpans({ ...correction, ended_at: null }, millisOf(at), NEXT_SHOWN).map(({ from, until }) => ({
      starts_at: timestamp(from),
      ends_at: timestamp(until),
    })),
  };
}
