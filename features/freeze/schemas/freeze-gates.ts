import * as z from 'zod';
import { Bearer, HttpUrl, KubernetesName } from '../../../schemas/config/endpoint.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { readAs } from '../../../schemas/parsing/read-as.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

/** An object of Flux that applies Git or a chart to the cluster. */
export const FluxObject = z.strictObject({
  kind: z.enum(['Kustomization', 'HelmRelease']),
  namespace: KubernetesName.default('flux-system'),
  name: KubernetesName,
});
export type FluxObject = z.infer<typeof FluxObject>;

/** An object whose pod template the admission policy protects. */
const GatedWorkload = z.strictObject({
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']),
  namespace: KubernetesName.default('default'),
  /** Its key in the ConfigMap has at most 253 characters. */
  name: KubernetesName.max(160),
  /** The container whose image tag is the version. Absent: the first container. */
  container: KubernetesName.optional(),
});
export type GatedWorkload = z.infer<typeof GatedWorkload>;

/** The cluster of the gates. */
export const GateCluster = z.object({
  /** URL of the API server. Absent: `KUBERNETES_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `KUBERNETES_TOKEN`. */
  auth: Bearer.optional(),
});
export type GateCluster = z.infer<typeof GateCluster>;

const ParameterObject = z.strictObject({
  namespace: KubernetesName.default('firebreak'),
  name: KubernetesName.default('firebreak-freezes'),
});
export type ParameterObject = z.infer<typeof ParameterObject>;

/** What stops deploys in a cluster while a freeze is in force, in addition to the freeze check. */
export const FreezeGates = z
  .strictObject({
    ...GateCluster.shape,
    /** Are suspended. */
    flux: z.array(FluxObject).max(16).optional(),
    /** Their pod templates cannot be changed. `deployer`: the object of the deployer. */
    workloads: z.union([z.literal('deployer'), z.array(GatedWorkload).max(16)]).optional(),
    /** The ConfigMap with the parameters of the admission policy. */
    parameters: ParameterObject.optional(),
  })
  .refine(({ flux = [], workloads = [] }) => flux.length > 0 || workloads.length > 0, {
    message: 'must name objects of Flux or workloads',
  });
export type FreezeGates = z.infer<typeof FreezeGates>;

/**
 * State of a gate. `foreign`: others have suspended the object, so Firebreak does not resume it. `closed_again`: another
 * system or a person had opened it while a freeze was in force. `refused`: the cluster refuses the change.
 */
const GateCondition = z.enum(['open', 'closed', 'foreign', 'refused', 'closed_again']);

/** One gate as last seen. */
export const Gate = z.object({
  /** `Kustomization flux-system/shop` */
  object: z.string(),
  condition: readAs(GateCondition, 'refused'),
  detail: z.string().nullable(),
  at: Timestamp,
});
export type Gate = z.infer<typeof Gate>;

/** The gates of a service and environment, as in the API. Empty: nothing was closed yet. */
export const GatesOfService = z
  .object({
    service: ServiceName,
    environment: EnvironmentName,
    gates: z.array(Gate.extend({ condition: GateCondition })),
  })
  .meta({ id: 'FreezeGates' });

/** What was, or may have been, closed, with all that is needed to open it after the configuration has changed. */
const ClosedGate = z.discriminatedUnion('gate', [
  GateCluster.extend({ gate: z.literal('flux'), object: FluxObject }),
  GateCluster.extend({ gate: z.literal('parameters'), object: ParameterObject, keys: z.array(z.string()) }),
]);
export type ClosedGate = z.infer<typeof ClosedGate>;

/** State of the gates of a service and environment. */
export const GatesState = z.object({
  gates: z.array(Gate).default([]),
  closed: z.array(ClosedGate).default([]),
  /** When a change was last sent without a response; that call may still be executed. */
  unsure: Timestamp.nullable().default(null),
});
export type GatesState = z.infer<typeof GatesState>;
