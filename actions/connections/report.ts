import type { Deps } from '../../domain/ports/deps.ts';
import type { Connections } from '../../schemas/config/connections.ts';
import { objectivesState } from '../slo/objectives.ts';
import { compareGenerated } from '../slo/compare-generated.ts';
import { uncallableSystems } from './uncallable-systems.ts';
import { vendorConnections, isWatched, targetStates } from './check.ts';
import { unknownEnvironments, unsetSecrets } from './unresolved-names.ts';
import { provableByEnvironment } from './provable.ts';
import { storeCheck } from './stored-check.ts';

type CheckConnectionsDeps = Parameters<typeof vendorConnections>[0] &
  Parameters<typeof targetStates>[0] &
  Parameters<typeof provableByEnvironment>[0] &
  Parameters<typeof objectivesState>[0] &
  Parameters<typeof unknownEnvironments>[0] &
  Parameters<typeof uncallableSystems>[0] &
  Parameters<typeof compareGenerated>[0] &
  Parameters<typeof unsetSecrets>[0] &
  Parameters<typeof isWatched>[0];

/**
 * Checks all connections with read-only requests to the vendors, and stores the result.
 *
 * @param by who asked
 */
export async function checkConnections(
  deps: CheckConnectionsDeps & Pick<Deps, 'blobs' | 'clock' | 'log'>,
  by: string,
): Promise<Connections> {
  const [vendors, targets, evidence, objectives, unknown_environments, judged, generated, secrets, watched] =
    await Promise.all([
      vendorConnections(deps),
      targetStates(deps),
      provableByEnvironment(deps),
      objectivesState(deps),
      unknownEnvironments(deps),
      uncallableSystems(deps),
      compareGenerated(deps),
      unsetSecrets(deps),
      isWatched(deps),
    ]);
  const found: Connections = {
    vendors,
    targets,
    evidence,
    unknown_environments,
    judged,
    generated,
    secrets,
    watched,
    objectives,
  };
  await storeCheck(deps, { at: deps.clock.now(), by, connections: found });
  return found;
}
