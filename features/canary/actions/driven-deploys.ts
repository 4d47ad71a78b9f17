import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { DrivenDeploys } from '../../../core/domain/ports/extensions.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { CANARY_ANNOTATION, CanaryId } from '../canary.ts';
import type { Deps } from '../ports.ts';

/** Newest checks among which the one that found the version worse is searched. */
const CHECKS_READ = 20;

/** Returns the part that tells the core about the deploys that canaries drive. */
export const drivenDeploys = (deps: Pick<Deps, 'canaries' | 'log'>): DrivenDeploys => ({
  inProgress: async () => (await deps.canaries.running()).map(({ change_id }) => change_id),
  aborted: (firing) => abortedCanary(deps, firing),
});

/**
 * Returns the canary that Firebreak aborted because its version was worse, if all firing alerts report it. Null: they do
 * not, or it can't be read.
 */
async function abortedCanary(
  { canaries, log }: Pick<Deps, 'canaries' | 'log'>,
  firing: readonly Signal[],
): Promise<Evidence['aborted_canary'] | null> {
  const [id, ...others] = new Set(firing.map(canaryOf));
  if (id === undefined || id === null || others.length > 0) return null;
  try {
    const canary = await canaries.get(id);
    // Its alert is sent after the traffic is back. It fails if the traffic can't be set back.
    if (canary?.degraded !== true || (canary.status !== 'aborting' && canary.status !== 'aborted')) return null;
    const { change_id, version, stable_version } = canary;
    const proof = (await canaries.checks(id, CHECKS_READ)).find(({ verdict }) => verdict === 'degraded');
    const reason = proof ? `degraded at ${proof.weight} %: ${proof.reasons.join('; ')}` : canary.reason;
    return { change_id, version, stable_version, reason };
  } catch (error) {
    log.error('the aborted canary of an alert could not be read', { canary: id, error: String(error) });
    return null;
  }
}

/** Returns the canary that an alert of Firebreak itself is about. */
const canaryOf = ({ source, annotations }: Signal): CanaryId | null =>
  source === 'deployment' ? (CanaryId.safeParse(new Map(annotations).get(CANARY_ANNOTATION)).data ?? null) : null;
