import type { SloId } from '../../../schemas/slo/slo.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';

/** A limit of a canary: a query for one version, with its maximum. */
export type CanaryLimit = { name: string; query: string; max: number };

/** The queries of an objective for Argo Rollouts, which knows the version, and Flagger, which knows the workload. */
export type CanaryQueries = ServiceEnvironment & {
  id: SloId;
  argoRollouts: readonly CanaryLimit[];
  flagger: readonly CanaryLimit[];
};

export type TemplateOptions = {
  /** Address of Prometheus as seen from the cluster. */
  prometheus: string;
  /** Address of Firebreak as seen from the cluster, without a trailing slash. */
  url: string;
};

/** Largest share of failed events, and longest 99 % quantile in seconds. */
export const ERROR_RATIO_MAX = 0.01;
export const SLOWEST_MAX_SECONDS = 1.5;

const INTERVAL = '1m';

/** Measurements of a rollout. */
const MEASUREMENTS = 10;

/** Failed checks after which a rollout is aborted. */
const FAILURES_MAX = 5;

const STEP_WEIGHT_PERCENT = 10;
const MAX_WEIGHT_PERCENT = 50;
const PROGRESS_DEADLINE_SECONDS = 600;

/**
 * Generates an AnalysisTemplate for each service and environment, and for Flagger a MetricTemplate for each limit and a
 * patch with the analysis of its Canary. Keyed by path below the folder.
 */
export function canaryTemplates(all: readonly CanaryQueries[], options: TemplateOptions): Map<string, object> {
  const files = new Map<string, object>();
  for (const [name, objectives] of byServiceEnvironment(all)) {
    const [first] = objectives;
    if (first === undefined) continue;
    files.set(`argo-rollouts/${name}.yaml`, analysisTemplate(name, first, objectives, options));
    const limits = objectives.flatMap(({ flagger }) => flagger);
    for (const limit of limits) files.set(`flagger/${objectNameOf(limit.name)}.yaml`, metricTemplate(limit, options));
    files.set(`flagger/${name}-canary-patch.yaml`, canaryPatch(first, limits, options));
  }
  return files;
}

const byServiceEnvironment = (all: readonly CanaryQueries[]): Map<string, CanaryQueries[]> =>
  Map.groupBy(
    all.filter(({ argoRollouts }) => argoRollouts.length > 0),
    ({ service, environment }) => objectNameOf(`${service}-${environment}`),
  );

const NAME_MAX_CHARS = 63;

/** Returns a valid name of a Kubernetes object. */
const objectNameOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, NAME_MAX_CHARS)
    .replaceAll(/^-+|(?<!-)-+$/g, '');

/** @see https://argo-rollouts.readthedocs.io/en/stable/features/analysis/ */
function analysisTemplate(
  name: string,
  { service, environment }: ServiceEnvironment,
  objectives: readonly CanaryQueries[],
  { prometheus, url }: TemplateOptions,
): object {
  const query = new URLSearchParams({ service, environment }).toString();
  // If all measurements are inconclusive, the rollout is paused. At MEASUREMENTS, they would count as success.
  const common = { interval: INTERVAL, count: MEASUREMENTS, inconclusiveLimit: MEASUREMENTS - 1 };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name },
    spec: {
      args: [
        { name: 'version' },
        { name: 'baseline', value: '' },
        { name: 'firebreak-token', valueFrom: { secretKeyRef: { name: 'firebreak', key: 'token' } } },
      ],
      metrics: [
        ...objectives.flatMap(({ argoRollouts }) =>
          argoRollouts.map((limit) => ({
            name: objectNameOf(limit.name),
            ...common,
            failureLimit: FAILURES_MAX - 1,
            // Neither holds without a value, or for NaN: without traffic, the measurement is inconclusive.
            successCondition: `len(result) > 0 && result[0] <= ${limit.max}`,
            failureCondition: `len(result) > 0 && result[0] > ${limit.max}`,
            provider: { prometheus: { address: prometheus, query: limit.query } },
          })),
        ),
        {
          name: 'firebreak',
          ...common,
          successCondition: 'result.ok',
          failureCondition: 'result.verdict == "degraded"',
          provider: {
            web: {
              url: `${url}/integrations/argo-rollouts/judgement?${query}&version={{args.version}}&baseline={{args.baseline}}`,
              headers: [{ key: 'Authorization', value: 'Bearer {{args.firebreak-token}}' }],
              jsonPath: '{$.data}',
            },
          },
        },
      ],
    },
  };
}

/** @see https://docs.flagger.app/usage/metrics */
const metricTemplate = ({ name, query }: CanaryLimit, { prometheus }: TemplateOptions): object => ({
  apiVersion: 'flagger.app/v1beta1',
  kind: 'MetricTemplate',
  metadata: { name: objectNameOf(name) },
  spec: { provider: { type: 'prometheus', address: prometheus }, query },
});

/** Returns the analysis of a Canary, as a patch. The rest of the Canary depends on the mesh and on the workload. */
function canaryPatch(
  { service, environment }: ServiceEnvironment,
  limits: readonly CanaryLimit[],
  { url }: TemplateOptions,
): object {
  const webhook = (type: string, hook: string = type) => ({
    name: `firebreak-${hook}`,
    type,
    url: `${url}/integrations/flagger/${hook}?key=\${FIREBREAK_KEY}`,
    metadata: { service, environment },
  });
  return {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: service },
    spec: {
      progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
      analysis: {
        interval: INTERVAL,
        threshold: FAILURES_MAX,
        maxWeight: MAX_WEIGHT_PERCENT,
        stepWeight: STEP_WEIGHT_PERCENT,
        metrics: limits.map(({ name, max }) => ({
          name: objectNameOf(name),
          templateRef: { name: objectNameOf(name) },
          thresholdRange: { max },
          interval: INTERVAL,
        })),
        webhooks: [
          webhook('confirm-rollout'),
          webhook('rollout'),
          webhook('confirm-promotion'),
          webhook('rollback', 'rollback-degraded'),
        ],
      },
    },
  };
}
