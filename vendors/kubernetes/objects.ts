import * as z from 'zod';

const Texts = z.record(z.string(), z.string());

/**
 * The metadata of an object. `generation` counts changes of the spec, and `resourceVersion` changes with every update.
 */
export const Metadata = z.object({
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.number().default(0),
  creationTimestamp: z.string().nullish(),
  labels: Texts.nullish().transform((labels) => labels ?? {}),
  annotations: Texts.nullish().transform((annotations) => annotations ?? {}),
  ownerReferences: z
    .array(z.object({ uid: z.string(), controller: z.boolean().nullish() }))
    .nullish()
    .transform((references) => references ?? []),
});
export type Metadata = z.infer<typeof Metadata>;

/** A pod template with all its fields, because it is written back unchanged. */
export const PodTemplate = z.looseObject({
  metadata: z
    .looseObject({ labels: Texts.nullish(), annotations: Texts.nullish() })
    .nullish()
    .transform((metadata) => metadata ?? {}),
  spec: z.looseObject({
    containers: z.array(z.looseObject({ name: z.string(), image: z.string().optional() })).min(1),
  }),
});
export type PodTemplate = z.infer<typeof PodTemplate>;

const Selector = z.object({
  matchLabels: Texts.nullish(),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).nullish(),
      }),
    )
    .nullish(),
});

const Conditions = z
  .array(
    z.object({
      type: z.string(),
      status: z.string(),
      reason: z.string().default(''),
      message: z.string().default(''),
      /** When status or reason changed. */
      lastUpdateTime: z.string().nullish(),
    }),
  )
  .nullish()
  .transform((conditions) => conditions ?? []);

/** Responses omit counts of 0. */
const Count = z.number().default(0);

/** The default is one replica, for Deployments and Rollouts. */
const Replicas = z.number().default(1);

const Status = { replicas: Count, updatedReplicas: Count, availableReplicas: Count, conditions: Conditions };

/** @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/ */
export const Deployment = z.object({
  metadata: Metadata,
  spec: z.object({
    replicas: Replicas,
    paused: z.boolean().default(false),
    selector: Selector,
    template: PodTemplate,
  }),
  status: z.object({ observedGeneration: Count, ...Status }).prefault({}),
});
export type Deployment = z.infer<typeof Deployment>;

/** @see https://argo-rollouts.readthedocs.io/en/stable/features/specification/ */
export const Rollout = z.object({
  metadata: Metadata,
  spec: z.object({
    replicas: Replicas,
    paused: z.boolean().default(false),
    selector: Selector.optional(),
    /** Absent if `workloadRef` refers to another object's template. */
    template: PodTemplate.optional(),
    workloadRef: z.object({ kind: z.string(), name: z.string() }).optional(),
    restartAt: z.string().nullish(),
    /** Absent for blue/green. */
    strategy: z
      .object({
        canary: z
          .object({
            steps: z
              .array(z.looseObject({ setWeight: z.number().optional() }))
              .nullish()
              .transform((steps) => steps ?? []),
          })
          .nullish(),
      })
      .prefault({}),
  }),
  status: z
    .object({
      /** A number, which Argo Rollouts writes as a string. */
      observedGeneration: z.union([z.string(), z.number()]).default(0).transform(Number),
      /** The hash of the current pod template, and of the fully promoted one. */
      currentPodHash: z.string().default(''),
      stableRS: z.string().default(''),
      phase: z.string().default(''),
      message: z.string().default(''),
      abort: z.boolean().default(false),
      promoteFull: z.boolean().default(false),
      currentStepIndex: z.number().nullish(),
      pauseConditions: z
        .array(z.object({ reason: z.string() }))
        .nullish()
        .transform((conditions) => conditions ?? []),
      restartedAt: z.string().nullish(),
      canary: z
        .object({ weights: z.object({ canary: z.object({ weight: Count }) }).nullish() })
        .nullish()
        .transform((canary) => canary?.weights?.canary.weight ?? 0),
      ...Status,
    })
    .prefault({}),
});
export type Rollout = z.infer<typeof Rollout>;

export type Workload = Deployment | Rollout;

export const ReplicaSet = z.object({
  metadata: Metadata,
  spec: z.object({ replicas: Replicas, template: PodTemplate }),
  status: z.object({ availableReplicas: Count, conditions: Conditions }).prefault({}),
});
export type ReplicaSet = z.infer<typeof ReplicaSet>;

export const ReplicaSets = z.object({ items: z.array(ReplicaSet) });

export const Autoscalers = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ scaleTargetRef: z.object({ kind: z.string(), name: z.string() }) }),
    }),
  ),
});

/** @see https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ */
export const Services = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      /** Absent: another system sets its endpoints. */
      spec: z.object({ selector: Texts.nullish() }),
    }),
  ),
});

/** The time of a container's start. Absent: not known. */
const Started = { startedAt: z.string().nullish() };

const ContainerStatus = z.object({
  name: z.string(),
  restartCount: Count,
  state: z
    .object({
      waiting: z.object({ reason: z.string().default(''), message: z.string().default('') }).nullish(),
      running: z.object(Started).nullish(),
    })
    .nullish(),
  lastState: z
    .object({
      terminated: z.object({ reason: z.string().default(''), exitCode: z.number(), ...Started }).nullish(),
    })
    .nullish(),
});
export type ContainerStatus = z.infer<typeof ContainerStatus>;

/** @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export const Pod = z.object({
  metadata: Metadata.extend({ deletionTimestamp: z.string().nullish() }),
  status: z
    .object({
      phase: z.string().default('Pending'),
      /** When the kubelet accepted it. Absent: it has no node. */
      startTime: z.string().nullish(),
      /** Why it failed as a whole, such as `Evicted`. */
      reason: z.string().default(''),
      message: z.string().default(''),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().nullish(),
            message: z.string().nullish(),
            lastTransitionTime: z.string().nullish(),
          }),
        )
        .nullish()
        .transform((conditions) => conditions ?? []),
      containerStatuses: z
        .array(ContainerStatus)
        .nullish()
        .transform((statuses) => statuses ?? []),
      initContainerStatuses: z
        .array(ContainerStatus)
        .nullish()
        .transform((statuses) => statuses ?? []),
    })
    .prefault({}),
});
export type Pod = z.infer<typeof Pod>;

export const Pods = z.object({ items: z.array(Pod) });

/**
 * An event. Components that use the newer API leave `lastTimestamp` out, and set `eventTime`, and `series` once it repeats.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
export const Event = z.object({
  metadata: z.object({ creationTimestamp: z.string().nullish() }),
  involvedObject: z.object({ uid: z.string().default('') }),
  reason: z.string().default(''),
  message: z.string().default(''),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  series: z.object({ lastObservedTime: z.string().nullish() }).nullish(),
});
export type Event = z.infer<typeof Event>;

/**
 * Returns the value of the query parameter `labelSelector`.
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function selectorText({ matchLabels, matchExpressions }: z.infer<typeof Selector>): string {
  const equal = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (matchExpressions ?? []).map(({ key, operator, values }) => {
    const list = `(${(values ?? []).join(',')})`;
    return { In: `${key} in ${list}`, NotIn: `${key} notin ${list}`, Exists: key, DoesNotExist: `!${key}` }[operator];
  });
  return [...equal, ...expressions].join(',');
}
