import type { Clock, Secrets } from '../../../../core/domain/ports/system.ts';
import { attempt, type Calls, clusterOf } from '../../../../vendors/kubernetes/attempt.ts';
import { vendorResponse } from '../../../../vendors/shared/refusals.ts';
import type { GateCluster } from '../../schemas/freeze-gates.ts';
import type { ClusterGates } from '../../types.ts';
import { setSuspended } from './flux-gate.ts';
import { setEntries } from './parameters.ts';

/** Returns the port to the gates in clusters. */
export function clusterGates({ secrets, clock }: { secrets: Secrets; clock: Clock }): ClusterGates {
  async function inCluster<T extends string>(cluster: GateCluster, work: (calls: Calls) => Promise<T>) {
    const url = cluster.url ?? (await secrets.get('KUBERNETES_URL'));
    if (!url) return { kind: 'off', detail: 'KUBERNETES_URL is not set' } as const;
    const result = await attempt(clusterOf(cluster, { url, secrets, clock }), work);
    return typeof result === 'string' ? ({ kind: 'done', value: result } as const) : vendorResponse(result);
  }
  return {
    setSuspended: (cluster, object, mark) => inCluster(cluster, (calls) => setSuspended(calls, object, mark)),
    setEntries: (cluster, object, entries) =>
      inCluster(cluster, async (calls) => {
        await setEntries(calls, object, entries, clock.now());
        return 'set';
      }),
  };
}
