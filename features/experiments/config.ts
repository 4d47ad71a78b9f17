import * as z from 'zod';
import { HttpUrl, KubernetesName, Auth, Bearer } from '../../schemas/config/endpoint.ts';

/** A system with the HTTP API that `docs/reference/experiments.md` describes. */
const HttpExperiments = z.strictObject({ kind: z.literal('http'), url: HttpUrl, auth: Auth.optional() });
export type HttpExperiments = z.infer<typeof HttpExperiments>;

/** Pods of the service: those in `namespace` with all of these labels. */
const ChaosTarget = z.strictObject({
  namespace: KubernetesName,
  labels: z
    .record(z.string().min(1).max(317), z.string().max(63))
    .refine((labels) => Object.keys(labels).length > 0, 'must contain at least one label'),
});

/** Observes runs that were not recorded, such as those of a schedule. */
const ObserveChaos = z.strictObject({
  /** A run on these pods is a run on this service. Empty: only annotated objects are. */
  targets: z.array(ChaosTarget).max(20).default([]),
});

const Cluster = {
  /** URL of the API server. Absent: `KUBERNETES_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `KUBERNETES_TOKEN`. */
  auth: Bearer.optional(),
  /** Namespace of the experiments. */
  namespace: KubernetesName.default('default'),
  /** Absent: only recorded experiments are observed. */
  observe: ObserveChaos.optional(),
};

/** Stops a ChaosEngine through `spec.engineState`. */
const LitmusExperiments = z.strictObject({ kind: z.literal('litmus'), ...Cluster });
export type LitmusExperiments = z.infer<typeof LitmusExperiments>;

/** Pauses a chaos object of Chaos Mesh by annotation. */
const ChaosMeshExperiments = z.strictObject({ kind: z.literal('chaos-mesh'), ...Cluster });
export type ChaosMeshExperiments = z.infer<typeof ChaosMeshExperiments>;

/** What runs experiments, and stops them. */
export const ChaosConfig = z.discriminatedUnion('kind', [HttpExperiments, LitmusExperiments, ChaosMeshExperiments]);
export type ChaosConfig = z.infer<typeof ChaosConfig>;

/** Whether experiments may run on a service and environment, and within which limits. */
export const ExperimentConfig = z.strictObject({
  /** Absent: Firebreak cannot stop experiments; people must. */
  chaos: ChaosConfig.optional(),
  /** Longest duration of an experiment. */
  maxMinutes: z
    .number()
    .min(1)
    .max(24 * 60)
    .default(60),
  /** Minutes after the end of an experiment after which its alerts that still fire are treated like any other. */
  graceMinutes: z.number().min(0).max(60).default(5),
});
export type ExperimentConfig = z.infer<typeof ExperimentConfig>;
