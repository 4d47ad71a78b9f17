import * as z from 'zod';
import type { ChaosReading } from '../../domain/experiments/progress.ts';
import type { Attempt } from '../../domain/ports/common.ts';
import type { ChaosSystem } from '../../domain/ports/experiments.ts';
import type { ChaosVerdict } from '../../schemas/experiments/experiment.ts';
import { attempt, type ClusterOptions } from '../kubernetes/attempt.ts';

/** @see https://github.com/litmuschaos/chaos-operator/blob/master/api/litmuschaos/v1alpha1/chaosengine_types.go */
const ChaosEngine = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  spec: z.object({
    engineState: z.string().default(''),
    experiments: z
      .array(z.object({ name: z.string() }))
      .nullish()
      .transform((experiments) => experiments ?? []),
  }),
  status: z.object({ engineStatus: z.string().default('') }).prefault({}),
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
const STOP = 'stop';

/** Values of `status.engineStatus` with which nothing runs any more. */
const OVER: ReadonlySet<string> = new Set(['completed', 'stopped']);

const API = '/apis/litmuschaos.io/v1alpha1/namespaces';

/** Characters of a probe's description that are kept. */
const DESCRIPTION_MAX_CHARS = 500;

/** Creates a client for one ChaosEngine of LitmusChaos, with the results of its experiments and probes. */
export function litmusEngine(
  { namespace, engine }: { namespace: string; engine: string },
  cluster: ClusterOptions,
): ChaosSystem {
  const path = `${API}/${namespace}/chaosengines/${engine}`;
  return {
    target: `ChaosEngine ${namespace}/${engine}`,
    async read(): Promise<ChaosReading> {
      const found = await attempt(cluster, async ({ get }) => {
        const object = await get(path, ChaosEngine);
        const { items } = await get(`${API}/${namespace}/chaosresults`, ChaosResults);
        return { object, results: items.filter(({ spec }) => spec.engine === engine) };
      });
      if (!('object' in found)) return { kind: 'unknown', detail: found.detail, verdict: null };
      const verdict = verdictOf(found.results);
      const detail = `ChaosEngine ${engine} is ${stateOf(found.object)}`;
      return { kind: isOver(found.object) ? 'ended' : 'running', detail, verdict };
    },
    async stop(): Promise<Attempt> {
      const answer = await attempt(cluster, async ({ get, patch }) => {
        const before = await get(path, ChaosEngine);
        if (isOver(before) || before.spec.engineState === STOP) return before;
        return patch(path, 'merge', { spec: { engineState: STOP } }, ChaosEngine);
      });
      if ('kind' in answer) return asAttempt(answer);
      const detail = `ChaosEngine ${engine} is ${stateOf(answer)}`;
      return isOver(answer) ? { kind: 'taken', detail } : { kind: 'later', detail, afterSeconds: null };
    },
  };
}

/** Returns the result of an attempt that was ended. */
export const asAttempt = ({
  kind,
  detail,
  ...more
}: {
  kind: string;
  detail: string;
  afterSeconds?: number | null;
}): Attempt =>
  kind === 'later' || kind === 'busy'
    ? { kind: 'later', detail, afterSeconds: more.afterSeconds ?? null }
    : { kind: 'refused', detail };

const isOver = ({ status }: ChaosEngine): boolean => OVER.has(status.engineStatus);

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
  const verdict = (['failed', 'error', 'stopped', 'awaited', 'passed'] as const).find((one) => verdicts.includes(one));
  const probes = results.flatMap(({ status }) =>
    status.probeStatuses.map(({ name, type, status: probe }) => ({
      name,
      type,
      verdict: probe.verdict,
      description: probe.description.slice(0, DESCRIPTION_MAX_CHARS),
    })),
  );
  const text = results.map(({ spec, status: { experimentStatus: of } }) => {
    const reason = of.errorOutput?.reason ? `: ${of.errorOutput.reason}` : '';
    const share = of.probeSuccessPercentage === '' ? '' : `, ${of.probeSuccessPercentage} % of its probes passed`;
    return `Litmus experiment ${spec.experiment}: ${of.verdict}${share}${reason}`;
  });
  const failed = probes.filter((probe) => probe.verdict === 'Failed').map(({ name, type }) => `${type} ${name} failed`);
  return { verdict: verdict ?? 'error', text: [...text, ...failed].join('; '), probes };
}
