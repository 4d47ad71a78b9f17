import * as z from 'zod';

export type Texts = Record<string, string>;

export type Metadata = {
  name: string;
  namespace: string;
  uid: string;
  /** Version of the last change of the object. */
  resourceVersion: string;
  /** Number of changes of the spec. */
  generation: number;
  creationTimestamp: string;
  labels?: Texts | undefined;
  annotations?: Texts | undefined;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller: boolean }[];
};

export type KubernetesObject<Spec extends object = object, Status extends object = object> = {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec: Spec;
  status: Status;
};

const TextsIn = z.record(z.string(), z.string());

/** The metadata that clients may write. The server sets the rest. */
export const MetadataIn = z.looseObject({
  name: z
    .string()
    .max(253)
    .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'a lowercase RFC 1123 subdomain must consist of lower case …'),
  generateName: z.string().optional(),
  labels: TextsIn.optional(),
  annotations: TextsIn.optional(),
  resourceVersion: z.string().optional(),
});

export const PodTemplate = z.looseObject({
  metadata: z.looseObject({ labels: TextsIn.optional(), annotations: TextsIn.optional() }).optional(),
  spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string(), image: z.string() })).min(1) }),
});
export type PodTemplate = z.infer<typeof PodTemplate>;

const Workload = {
  replicas: z.int().min(0).default(1),
  revisionHistoryLimit: z.int().min(0).default(10),
  progressDeadlineSeconds: z.int().min(1).default(600),
  paused: z.boolean().optional(),
  selector: z.looseObject({ matchLabels: TextsIn }),
  template: PodTemplate,
};

/**
 * Returns whether the selector matches the template. The API server rejects other objects, since they would create pods
 * endlessly.
 */
const selectsItself = ({ selector, template }: { selector: { matchLabels: Texts }; template: PodTemplate }): boolean =>
  Object.entries(selector.matchLabels).every(([key, value]) => template.metadata?.labels?.[key] === value);
const NOT_SELECTED = {
  path: ['template', 'metadata', 'labels'],
  error: '`selector` does not match template `labels`',
};

export const DeploymentSpec = z.looseObject(Workload).refine(selectsItself, NOT_SELECTED);
export type DeploymentSpec = z.infer<typeof DeploymentSpec>;

const Step = z.union([
  z.strictObject({ setWeight: z.int().min(0).max(100) }),
  /** Duration in seconds. Without a duration, the rollout is paused until it is promoted. */
  z.strictObject({ pause: z.strictObject({ duration: z.coerce.number().int().min(1).optional() }) }),
]);
export type Step = z.infer<typeof Step>;

export const RolloutSpec = z
  .looseObject({
    ...Workload,
    strategy: z.looseObject({
      canary: z.looseObject({ steps: z.array(Step).default([]), trafficRouting: z.unknown().optional() }),
    }),
    restartAt: z.iso.datetime().optional(),
  })
  .refine(selectsItself, NOT_SELECTED);
export type RolloutSpec = z.infer<typeof RolloutSpec>;

/** A Rollout that refers to a Deployment instead of its own template. It is stored, but not reconciled. */
export const ReferringSpec = z.looseObject({ workloadRef: z.looseObject({ kind: z.string(), name: z.string() }) });

export const AutoscalerSpec = z.looseObject({
  scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }),
  maxReplicas: z.int().min(1),
});

const Interval = z.string().regex(/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/);

/**
 * The spec of an ImageUpdateAutomation of Flux.
 * @see https://fluxcd.io/flux/components/image/imageupdateautomations/ (read 2026-11)
 */
export const ImageUpdateAutomationSpec = z.looseObject({
  sourceRef: z.looseObject({ kind: z.literal('GitRepository'), name: z.string().min(1) }),
  interval: Interval,
  update: z.looseObject({ strategy: z.literal('Setters').default('Setters') }).optional(),
  suspend: z.boolean().optional(),
});
export type ImageUpdateAutomationSpec = z.infer<typeof ImageUpdateAutomationSpec>;

/**
 * The spec of a Kustomization of Flux, with the required fields of its CRD.
 * @see https://fluxcd.io/flux/components/kustomize/kustomizations/ (read 2026-11)
 */
export const KustomizationSpec = z.looseObject({
  interval: Interval,
  prune: z.boolean(),
  path: z.string().optional(),
  sourceRef: z.looseObject({
    kind: z.enum(['OCIRepository', 'GitRepository', 'Bucket', 'ExternalArtifact']),
    name: z.string().min(1),
  }),
  suspend: z.boolean().optional(),
});

/**
 * The spec of a HelmRelease of Flux, with the rules of its CRD.
 * @see https://fluxcd.io/flux/components/helm/helmreleases/ (read 2026-11)
 */
export const HelmReleaseSpec = z
  .looseObject({
    interval: Interval,
    chart: z.looseObject({ spec: z.looseObject({ chart: z.string().min(1) }) }).optional(),
    chartRef: z.looseObject({ kind: z.string(), name: z.string() }).optional(),
    suspend: z.boolean().optional(),
  })
  .refine(({ chart, chartRef }) => (chart === undefined) !== (chartRef === undefined), {
    error: 'either chart or chartRef must be set',
  });

/** Maximum bytes of a ConfigMap's values. */
const CONFIG_MAP_MAX_BYTES = 1024 * 1024;

/**
 * The data of a ConfigMap.
 * @see https://kubernetes.io/docs/concepts/configuration/configmap/ (read 2026-11)
 */
export const ConfigMapData = z
  .record(
    z
      .string()
      .max(253)
      .regex(/^[-._a-zA-Z0-9]+$/, 'a valid config key must consist of alphanumeric characters, -, _ or .')
      .regex(/^(?!\.\.)(?!\.$)/, 'must not be . and must not start with ..'),
    z.string(),
  )
  .default({})
  .refine(
    (data) => Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0) <= CONFIG_MAP_MAX_BYTES,
    {
      error: `Too long: must have at most ${CONFIG_MAP_MAX_BYTES} bytes`,
    },
  );

const BackendRef = z.looseObject({
  group: z.string().default(''),
  kind: z.string().default('Service'),
  name: z.string().min(1),
  namespace: z.string().optional(),
  port: z.int().min(1).max(65535).optional(),
  weight: z.int().min(0).max(1_000_000).default(1),
});

/**
 * The spec of an HTTPRoute of the Gateway API, with the limits of its CRD.
 * @see https://gateway-api.sigs.k8s.io/reference/spec/#httproute (read 2026-11)
 */
export const HttpRouteSpec = z.looseObject({
  parentRefs: z
    .array(z.looseObject({ name: z.string().min(1) }))
    .max(32)
    .default([]),
  rules: z
    .array(
      z.looseObject({
        backendRefs: z
          .array(
            BackendRef.refine(({ group, kind, port }) => group !== '' || kind !== 'Service' || port !== undefined, {
              error: 'Must have port for Service reference',
            }),
          )
          .max(16)
          .default([]),
      }),
    )
    .min(1)
    .max(16),
});
export type HttpRouteSpec = z.infer<typeof HttpRouteSpec>;

export type HttpRouteStatus = {
  parents?: { parentRef: object; controllerName: string; conditions: (Condition & { observedGeneration: number })[] }[];
};
export type HttpRoute = KubernetesObject<HttpRouteSpec, HttpRouteStatus>;

/**
 * The spec of a TrafficSplit of the Service Mesh Interface.
 * @see https://github.com/servicemeshinterface/smi-spec/tree/main/apis/traffic-split (read 2026-11)
 */
export const TrafficSplitSpec = z.looseObject({
  service: z.string().min(1),
  backends: z.array(z.looseObject({ service: z.string().min(1), weight: z.int().min(0) })),
});

export type ReplicaSetSpec = { replicas: number; selector: { matchLabels: Texts }; template: PodTemplate };
export type ReplicaSetStatus = { replicas: number; readyReplicas?: number; availableReplicas?: number };

export type Condition = {
  type: string;
  status: string;
  reason: string;
  message: string;
  /** When its status or its reason changed. */
  lastUpdateTime?: string | undefined;
  lastTransitionTime?: string | undefined;
};

export type DeploymentStatus = {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  unavailableReplicas?: number;
  conditions?: Condition[];
};

export type RolloutStatus = {
  observedGeneration?: string;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  HPAReplicas?: number;
  selector?: string;
  currentPodHash?: string;
  stableRS?: string;
  currentStepIndex?: number;
  phase?: string;
  message?: string;
  abort?: boolean;
  abortedAt?: string;
  promoteFull?: boolean;
  pauseConditions?: { reason: string; startTime: string }[] | null;
  controllerPause?: boolean;
  restartedAt?: string;
  canary?: { weights?: { canary: Weight; stable: Weight } };
};

type Weight = { weight: number; podTemplateHash: string };

export type Deployment = KubernetesObject<DeploymentSpec, DeploymentStatus>;
export type Rollout = KubernetesObject<RolloutSpec, RolloutStatus>;
export type ReplicaSet = KubernetesObject<ReplicaSetSpec, ReplicaSetStatus>;

/** Formats a time as Kubernetes does. @param millis milliseconds since the Unix epoch */
export const timeText = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, 'Z');
