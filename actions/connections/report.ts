import type { Deps } from '../../domain/ports/deps.ts';
import type { Connections } from '../../schemas/config/connections.ts';
import { objectivesState } from '../slo/objectives.ts';
import { compareGenerated } from '../slo/compare-generated.ts';
import { judgedProblems } from './judged.ts';
import { connections, isWatched, targets } from './check.ts';
import { unknownEnvironments, unsetSecrets } from './names.ts';
import { provableByEnvironment } from './provable.ts';
import { storeCheck } from './stored-check.ts';

type Checking = Parameters<typeof connections>[0] &
  Parameters<typeof targets>[0] &
  Parameters<typeof provableByEnvironment>[0] &
  Parameters<typeof objectivesState>[0] &
  Parameters<typeof unknownEnvironments>[0] &
  Parameters<typeof judgedProblems>[0] &
  Parameters<typeof compareGenerated>[0] &
  Parameters<typeof unsetSecrets>[0] &
  Parameters<typeof isWatched>[0];

/**
 * Checks all connections with read-only requests to the vendors, and stores the result.
 *
 * @param by who asked
 */
export async function checkConnections(
  deps: Checking & Pick<Deps, 'blobs' | 'clock' | 'log'>,
  by: string,
): Promise<Connections> {
  const [vendors, targetStates, evidence, objectives, unknown_environments, judged, generated, secrets, watched] =
    await Promise.all([
      connections(deps),
      targets(deps),
      provableByEnvironment(deps),
      objectivesState(deps),
      unknownEnvironments(deps),
      judgedProblems(deps),
      compareGenerated(deps),
      unsetSecrets(deps),
      isWatched(deps),
    ]);
  const found: Connections = {
    vendors,
    targets: targetStates,
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
