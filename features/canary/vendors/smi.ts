import * as z from 'zod';
import type { TrafficRouter } from '../decisions/traffic.ts';
import type { SmiTraffic } from '../traffic-config.ts';
import type { ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { sharesOf, weightsOf } from '../../../vendors/kubernetes/shares.ts';
import { splitTraffic } from './backends.ts';
import { Metadata } from '../../../vendors/kubernetes/objects.ts';
import { refuse } from '../../../vendors/shared/refusals.ts';

/**
 * A split of the Service Mesh Interface. Weights are whole numbers since v1alpha2.
 * @see https://github.com/servicemeshinterface/smi-spec/blob/main/apis/traffic-split/v1alpha4/traffic-split.md
 */
const Split = z.object({
  metadata: Metadata,
  spec: z.object({ backends: z.array(z.object({ service: z.string(), weight: z.int().min(0) })) }),
});

/** Creates a router for the weights of a TrafficSplit. It has no status, so a change counts when the API has it. */
export function smiTraffic(
  { namespace, split, apiVersion, backends, container }: SmiTraffic,
  { cluster, service }: { cluster: ClusterOptions; service: string },
): TrafficRouter {
  const name = split ?? service;
  return splitTraffic(
    {
      kind: 'TrafficSplit',
      path: `/apis/split.smi-spec.io/${apiVersion}/namespaces/${namespace}/trafficsplits/${name}`,
      schema: Split,
      shares({ spec }, services) {
        const missing = services.filter((wanted) => spec.backends.every((backend) => backend.service !== wanted));
        if (missing.length > 0)
          throw refuse(`TrafficSplit ${namespace}/${name} does not have the backend ${missing.join(', ')}`);
        return sharesOf(spec.backends.map((backend) => [backend.service, backend.weight]));
      },
      operations({ spec }, shares) {
        const weights = weightsOf(shares);
        return spec.backends.flatMap((backend, index) => {
          const value = weights.get(backend.service);
          return value === undefined ? [] : [{ op: 'replace', path: `/spec/backends/${index}/weight`, value }];
        });
      },
      effect: ({ metadata }) => ({ kind: 'succeeded', id: `generation ${metadata.generation}` }),
    },
    { cluster, namespace, name, backends, container },
  );
}
