import { earlierAndGood } from '../../domain/freeze/earlier-good.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import type { Change } from '../../schemas/change.ts';
import type { CheckRequest } from '../../schemas/freeze-check.ts';
import type { IncidentId, Version } from '../../schemas/names.ts';
import { rollbackKey } from '../../workflows/steps/roll-back.ts';

/** Deployments of a place that are looked through for the version that is asked about. */
export const CHANGES_READ = 100;

type RollbackDeps = Pick<Deps, 'changes' | 'incidents' | 'decisions'>;

/**
 * The question as what it is: to most CD systems a rollback is a deployment like any other. It is one where what is
 * deployed is known as earlier and good, which nobody's word is taken for, or where Firebreak itself goes back to it.
 *
 * @param other the names under which it was asked about, where they stand for others: deployments may be recorded there
 */
export async function asWhatItIs(
  deps: RollbackDeps,
  request: CheckRequest,
  other: Place | null = null,
): Promise<CheckRequest> {
  const found = await asKnownThere(deps, request);
  if (found.change !== 'deploy' || other === null) return found;
  const { service, environment } = other;
  return { ...request, change: (await asKnownThere(deps, { ...request, service, environment })).change };
}

async function asKnownThere(deps: RollbackDeps, request: CheckRequest): Promise<CheckRequest> {
  const isNamed = request.version !== null || request.commit !== null;
  if (request.change !== 'deploy' || !isNamed) return request;
  const known = knowing(await deps.changes.recent(request, CHANGES_READ), request);
  if (known.change === 'rollback' || request.version === null) return known;
  const ours = await ownRollback(deps, request);
  return ours?.to === request.version ? { ...request, change: 'rollback' } : known;
}

/** @param changes the newest of its place, oldest first */
export const knowing = (changes: readonly Change[], request: CheckRequest): CheckRequest =>
  request.change === 'deploy' && earlierAndGood(changes, request).kind !== 'not_known'
    ? { ...request, change: 'rollback' }
    : request;

/** What Firebreak rolls back by itself at this moment. */
export type OwnRollback = { incident: IncidentId; to: Version };

/** Undefined: nothing, at this place. */
export async function ownRollback(
  { incidents, decisions }: Omit<RollbackDeps, 'changes'>,
  place: Place,
): Promise<OwnRollback | undefined> {
  const open = await incidents.openAt(place);
  const view = open && (await incidents.view(open.id));
  if (view === undefined) return undefined;
  const numbers = view.decisions.map((_, index) => index + 1);
  const number = numbers.findLast((each) =>
    view.effects.some(
      ({ key, state }) => key === rollbackKey(view.id, each) && (state === 'intended' || state === 'accepted'),
    ),
  );
  const decision = number === undefined ? undefined : await decisions.get(view.id, number);
  return decision?.to_version == null ? undefined : { incident: view.id, to: decision.to_version };
}
