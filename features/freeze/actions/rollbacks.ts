import { isSameVersion } from '../../../core/domain/changes/version-identity.ts';
import { checkRollbackVersion } from '../decisions/exemptions/rollback-version.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../ports.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { CheckRequest } from '../schemas/freeze-check.ts';
import type { Named } from '../../../core/domain/incidents/incident-number.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { rollbackKey } from '../../../workflows/steps/roll-back.ts';

/** How many recent deployments of a service and environment are searched for the requested version. */
export const CHANGES_READ = 100;

type RollbackDeps = Pick<Deps, 'changes' | 'decisions'> & { incidents: Pick<Deps['incidents'], 'openAt' | 'view'> };

/**
 * Returns the request as a rollback if it is one: most CD systems report a rollback as a normal deployment. A deployment
 * is a rollback if the recorded deployments show that its version ran earlier and is good, or if Firebreak itself rolls back to this
 * version. The caller's statement does not count.
 *
 * @param other the caller's names, if they were resolved to other names: deployments may be recorded under them
 */
export async function detectRollback(
  deps: RollbackDeps,
  request: CheckRequest,
  other: ServiceEnvironment | null = null,
): Promise<CheckRequest> {
  const found = await detectAt(deps, request);
  if (found.change !== 'deploy' || other === null) return found;
  const { service, environment } = other;
  return { ...request, change: (await detectAt(deps, { ...request, service, environment })).change };
}

async function detectAt(deps: RollbackDeps, request: CheckRequest): Promise<CheckRequest> {
  const isNamed = request.version !== null || request.commit !== null;
  if (request.change !== 'deploy' || !isNamed) return request;
  const known = detectKnownGood(await deps.changes.recent(request, CHANGES_READ), request);
  if (known.change === 'rollback' || request.version === null) return known;
  const ours = await ownRollback(deps, request);
  const isOurs = ours !== undefined && isSameVersion({ version: ours.to }, { ...request, version: request.version });
  return isOurs ? { ...request, change: 'rollback' } : known;
}

/**
 * Returns the request as a rollback if its version ran earlier and is good.
 *
 * @param changes the newest changes of the service and environment, oldest first
 */
export const detectKnownGood = (changes: readonly Change[], request: CheckRequest): CheckRequest =>
  request.change === 'deploy' && checkRollbackVersion(changes, request).kind !== 'not_known'
    ? { ...request, change: 'rollback' }
    : request;

/** A rollback by Firebreak that is in progress. */
export type OwnRollback = { incident: Named; to: Version };

/** Returns Firebreak's rollback in progress for the service and environment, or undefined. */
export async function ownRollback(
  { incidents, decisions }: Omit<RollbackDeps, 'changes'>,
  serviceEnvironment: ServiceEnvironment,
): Promise<OwnRollback | undefined> {
  const open = await incidents.openAt(serviceEnvironment);
  const view = open && (await incidents.view(open.id));
  if (view === undefined) return undefined;
  const numbers = view.decisions.map((_, index) => index + 1);
  const number = numbers.findLast((each) =>
    view.effects.some(
      ({ key, state }) => key === rollbackKey(view.id, each) && (state === 'intended' || state === 'accepted'),
    ),
  );
  const decision = number === undefined ? undefined : await decisions.get(view.id, number);
  return decision?.to_version == null ? undefined : { incident: view, to: decision.to_version };
}
