import * as z from 'zod';
import type { ChaosReading } from '../decisions/progress.ts';
import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { ChaosObject, ChaosSystem, ChaosTarget } from '../types.ts';
import type { ChaosVerdict } from '../experiment.ts';
import { attempt, type ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { equalLabels, timesOf } from './targets.ts';
import { attemptOf, type Ending } from '../../../vendors/shared/refusals.ts';

/** @see https://github.com/litmuschaos/chaos-operator/blob/master/api/litmuschaos/v1alpha1/chaosengine_types.go */
const ChaosEngine = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: z
      .record(z.string(), z.string())
      .nullish()
      .transform((annotations) => annotations ?? {}),
  }),
  spec: z.object({
    engineState: z.string().default(''),
    appinfo: z.object({ appns: z.string().default(''), applabel: z.string().default('') }).prefault({}),
    selectors: z
      .object({
        workloads: z
          .array(
            z.object({
              kind: z.string(),
              namespace: z.string(),
              names: z.string().default(''),
              labels: z.string().default(''),
            }),
          )
          .nullish()
          .transform((workloads) => workloads ?? []),
        pods: z
          .array(z.object({ namespace: z.string() }))
          .nullish()
          .transform((pods) => pods ?? []),
      })
      .nullish(),
    experiments: z
      .array(z.object({ name: z.string() }))
      .nullish()
      .transform((experiments) => experiments ?? []),
  }),
  status: z
    .object({
      engineStatus: z.string().default(''),
      experiments: z
        .array(z.object({ status: z.string().default(''), lastUpdateTime: z.string().nullish() }))
        .nullish()
        .transform((experiments) => experiments ?? []),
    })
    .prefault({}),
});
type ChaosEngine = z.infer<typeof ChaosEngine>;

/** @see https://github.com/litmuschaos/chaos-operator/blob/master/api/litmuschaos/v1alpha1/chaosresult_types.go */
const ChaosResults = z.object({
  items: z.array(
    z.object({
      spec: z.object({ engine: z.string().default(''), experiment: z.string() }),
      status: z
        .object({
          experimentStatus: z
            .object({
              verdict: z.string().default('Awaited'),
              probeSuccessPercentage: z.string().default(''),
              errorOutput: z.object({ reason: z.string().default('') }).nullish(),
            })
            .prefault({}),
          probeStatuses: z
            .array(
              z.object({
                name: z.string().default(''),
                type: z.string().default(''),
                status: z
                  .object({ verdict: z.string().default('N/A'), description: z.string().default('') })
                  .prefault({}),
              }),
            )
            .nullish()
            .transform((probes) => probes ?? []),
        })
        .prefault({}),
    }),
  ),
});
type ChaosResult = z.infer<typeof ChaosResults>['items'][number];

/** `spec.engineState` with which the operator removes the pods of the experiment. */
const STOP_STATE = 'stop';

/** Values of `status.engineStatus` with which nothing runs any more. */
const OVER_STATUSES: ReadonlySet<string> = new Set(['completed', 'stopped']);

const API_PATH = '/apis/litmuschaos.io/v1alpha1/namespaces';

/** Maximum characters of a probe's description. */
const DESCRIPTION_MAX_CHARS = 500;

/** Creates a client for one ChaosEngine of LitmusChaos, with the results of its experiments and probes. */
export function litmusEngine(
  { namespace, engine, uid }: { namespace: string; engine: string; uid?: string | undefined },
  cluster: ClusterOptions,
): ChaosSystem {
  const path = `${API_PATH}/${namespace}/chaosengines/${engine}`;
  return {
    target: `ChaosEngine ${namespace}/${engine}`,
    async read(): Promise<ChaosReading> {
      const found = await attempt(cluster, async ({ get, find }) => {
        const object = await (uid === undefined ? get : find)(path, ChaosEngine);
        if (object === undefined || (uid !== undefined && object.metadata.uid !== uid)) return 'gone';
        const { items } = await get(`${API_PATH}/${namespace}/chaosresults`, ChaosResults);
        return { object, results: items.filter(({ spec }) => spec.engine === engine) };
      });
      if (found === 'gone') return { kind: 'ended', detail: `ChaosEngine ${engine} was deleted`, verdict: null };
      if (!('object' in found)) return { kind: 'unknown', detail: found.detail, verdict: null };
      const verdict = verdictOf(found.results);
      const detail = `ChaosEngine ${engine} is ${stateOf(found.object)}`;
      return isOver(found.object)
        ? { kind: 'ended', detail, verdict, at: endOf(found.object) }
        : { kind: 'running', detail, verdict };
    },
    async stop(): Promise<Attempt> {
      const response = await attempt(cluster, async ({ get, patch }) => {
        const before = await get(path, ChaosEngine);
        if (isOver(before) || before.spec.engineState === STOP_STATE) return before;
        return patch(path, 'merge', { spec: { engineState: STOP_STATE } }, ChaosEngine);
      });
      if ('kind' in response) return attemptOf(response);
      const detail = `ChaosEngine ${engine} is ${stateOf(response)}`;
      return isOver(response) ? { kind: 'taken', detail } : { kind: 'later', detail, afterSeconds: null };
    },
  };
}

/** Lists the ChaosEngines in a namespace. */
export async function litmusEngines(namespace: string, cluster: ClusterOptions): Promise<ChaosObject[] | Ending> {
  const listed = await attempt(cluster, ({ get }) =>
    get(`${API_PATH}/${namespace}/chaosengines`, z.object({ items: z.array(ChaosEngine) })),
  );
  return 'kind' in listed ? listed : listed.items.map((engine) => chaosObject(namespace, engine));
}

function chaosObject(namespace: string, engine: ChaosEngine): ChaosObject {
  const { metadata, spec, status } = engine;
  const running = status.experiments.filter((experiment) => experiment.status === 'Running');
  const isRunning = spec.engineState !== STOP_STATE && status.engineStatus === 'initialized' && running.length > 0;
  return {
    uid: metadata.uid,
    name: metadata.name,
    run: { kind: 'litmus', engine: metadata.name, uid: metadata.uid },
    object: `ChaosEngine ${namespace}/${metadata.name}`,
    state: isOver(engine) ? 'over' : isRunning ? 'running' : 'idle',
    startedAt: timesOf(running.map((experiment) => experiment.lastUpdateTime))[0] ?? null,
    isOneShot: false,
    annotations: metadata.annotations,
    targets: targetsOf(namespace, engine),
  };
}

/** `appinfo` applies only without selectors, and its namespace is by default that of the engine. */
function targetsOf(ownNamespace: string, { spec: { appinfo, selectors } }: ChaosEngine): ChaosTarget[] {
  if (selectors) {
    const pods = selectors.pods.map(({ namespace }) => ({ namespace, labels: null, workload: null }));
    const workloads = selectors.workloads.flatMap(({ kind, namespace, names, labels }): ChaosTarget[] =>
      names === ''
        ? [{ namespace, labels: equalLabels(labels), workload: null }]
        : names.split(',').map((name) => ({ namespace, labels: null, workload: { kind, name: name.trim() } })),
    );
    return [...workloads, ...pods];
  }
  if (appinfo.applabel === '') return [];
  return [{ namespace: appinfo.appns || ownNamespace, labels: equalLabels(appinfo.applabel), workload: null }];
}

/** Returns when the last experiment of an engine that is over has changed. */
const endOf = ({ status }: ChaosEngine) =>
  timesOf(status.experiments.map((experiment) => experiment.lastUpdateTime)).at(-1) ?? null;

const isOver = ({ status }: ChaosEngine): boolean => OVER_STATUSES.has(status.engineStatus);

const stateOf = ({ spec, status }: ChaosEngine): string =>
  `${status.engineStatus || 'not initialized'}, engineState ${spec.engineState || 'not set'}`;

const VERDICTS: Readonly<Record<string, ChaosVerdict['verdict']>> = {
  Pass: 'passed',
  Fail: 'failed',
  Stopped: 'stopped',
  Error: 'error',
  Awaited: 'awaited',
};

/** Returns the worst verdict of the experiments of an engine, with all probes. Null: no result is reported. */
function verdictOf(results: readonly ChaosResult[]): ChaosVerdict | null {
  if (results.length === 0) return null;
  const verdicts = results.map(({ status }) => VERDICTS[status.experimentStatus.verdict] ?? 'error');
  const verdict = (['failed', 'error', 'stopped', 'awaited', 'passed'] as const).find((candidate) =>
    verdicts.includes(candidate),
  );
  const probes = results.flatMap(({ status }) =>
    status.probeStatuses.map(({ name, type, status: probe }) => ({
      name,
      type,
      verdict: probe.verdict,
      description: probe.description.slice(0, DESCRIPTION_MAX_CHARS),
    })),
  );
  const text = results.map(({ spec, status: { experimentStatus: result } }) => {
    const reason = result.errorOutput?.reason ? `: ${result.errorOutput.reason}` : '';
    const share =
      result.probeSuccessPercentage === '' ? '' : `, ${result.probeSuccessPercentage} % of its probes passed`;
    return `Litmus experiment ${spec.experiment}: ${result.verdict}${share}${reason}`;
  });
  const failed = probes.filter((probe) => probe.verdict === 'Failed').map(({ name, type }) => `${type} ${name} failed`);
  return { verdict: verdict ?? 'error', text: [...text, ...failed].join('; '), probes };
}
