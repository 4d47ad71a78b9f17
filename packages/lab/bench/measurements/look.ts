/**
 * The controlled look in the monitored world: two fresh instances on one machine of the world, to which its faults do what they do
 * to all others, and the product's own comparison of what monitoring records of them.
 */
import type { Answered, MetricQueries } from '../../../../core/domain/ports/metrics.ts';
import {
  LOOK_SECONDS,
  type LookPair,
  type LookResult,
  resultOfInstances,
  resultOfMetrics,
  undecided,
} from '../../../../core/domain/look/verdict.ts';
import type { LookInstance } from '../../../../core/domain/rollback/targets.ts';
import type { LookEvidence } from '../../../../core/domain/correlation/evidence.ts';
import { type Timestamp, millisOf, timestamp } from '../../../../schemas/time/time.ts';
import { Look } from '../../../../schemas/incidents/look.ts';
import { derivedMetrics } from '../../../../vendors/prometheus/judge-queries.ts';
import { measureLook } from '../../../../workflows/steps/look/measure.ts';
import { looksUnasked } from '../../../../core/domain/look/may-look.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { secondsOfWaits, WAITS_MAX } from '../../../../core/domain/rollback/wait.ts';
import { type MonitoredCase, monitoredCases } from '../../evaluation/monitored/case.ts';
import type { ClassName } from '../../evaluation/monitored/labels.ts';
import { aligned, casesTable } from '../../evaluation/monitored/print.ts';
import { monitoredReport, type Seen, seenOf, type Verdict } from '../../evaluation/monitored/report.ts';
import { underPolicy, waitsOf } from './judged-in-time.ts';
import { inputsAt, verdictOf, verdictsOf } from './monitored.ts';
import { evaluate } from '../../evaluation/monitored/evaluate.ts';
import { configOf } from '../../evaluation/monitored/ports.ts';
import { concerns } from '../../evaluation/monitored/scenes/faults.ts';
import { NODES, type Instance } from '../../evaluation/monitored/scenes/rollouts.ts';
import { telemetryOf } from '../../evaluation/monitored/telemetry/telemetry.ts';
import { random, seedOf } from '../../evaluation/random.ts';

/** As in the workflow. */
const POLL_SECONDS = 15;

/** Seconds until a fresh instance runs: an image that a node has, or not. */
const STARTS_AFTER = [3, 40] as const;

/** Judges cases with looks and without them. */
export async function judgedWithLooks(
  seed: number,
  share: number,
  names: readonly ClassName[],
): Promise<Record<'proved' | 'tested', Seen[]>> {
  const judged: Record<'proved' | 'tested', Seen[]> = { proved: [], tested: [] };
  for (const monitored of monitoredCases(seed, share, names)) {
    judged.proved.push(seenOf(monitored, (await verdictsOf(monitored)).proved));
    judged.tested.push(seenOf(monitored, await verdictWithLook(monitored)));
  }
  return judged;
}

/** Judges a case of a service with `look: {}` as the workflow does, after its decisions to wait. */
async function verdictWithLook(monitored: MonitoredCase): Promise<Verdict> {
  const waits = await waitsOf('tested', (seconds) => inputsAt(monitored, monitored.at + seconds));
  const waited = secondsOfWaits(waits);
  const from = monitored.at + waited;
  const first = underPolicy(await inputsAt(monitored, from), 'tested');
  const decision = decide({ ...first, waits_left: WAITS_MAX - waits });
  const { from: suspect, to: other, kind, reasons, target, offers } = decision;
  const asked = {
    kind,
    reasons,
    target,
    from_version: suspect,
    to_version: other,
    state: 'waiting' as const,
    ...(offers && { offers: [] }),
  };
  if (suspect === null || other === null || !looksUnasked(asked, first))
    return { ...verdictOf(decision), seconds: waited };
  const { look, until } = await lookFrom(monitored, from, { suspect, other });
  const then = underPolicy(await inputsAt(monitored, until), 'tested');
  const tested = decide({ ...then, evidence: { ...then.evidence, look } });
  return { ...verdictOf(tested), seconds: until - monitored.at };
}

/** Formats the reports, and the seconds until a right act. */
export function looksTable(judged: Record<'proved' | 'tested', readonly Seen[]>): string {
  const times = Object.entries(judged).map(([name, seen]) => {
    const all = seen.flatMap(({ outcome, verdict: { action, seconds = 0 } }) =>
      outcome === 'right' && action === 'roll_back' ? [seconds] : [],
    );
    const sorted = all.toSorted((a, b) => a - b);
    const at = (part: number): string => `${Math.round(sorted[Math.floor(part * sorted.length)] ?? NaN)} s`;
    return [name, String(sorted.length), at(0.5), at(0.9)];
  });
  return [
    ...Object.entries(judged).map(([name, seen]) => `evidence: ${name}\n\n${casesTable(monitoredReport(seen))}\n`),
    ...aligned([['seconds until a right rollback', 'rollbacks', 'half within', '90 % within'], ...times]),
  ].join('\n');
}

/** Versions to compare: the one that is suspected, and the one before. */
export type Versions = { suspect: string; other: string };

/** Runs a look from a time of the world. Returns its result, and when it was known. */
export async function lookFrom(
  monitored: MonitoredCase,
  from: number,
  versions: Versions,
): Promise<{ look: LookEvidence; until: number }> {
  const { world, stage, alert } = monitored;
  const stamp = (seconds: number): Timestamp => timestamp(Math.round((world.epoch + seconds) * 1000));
  const { fresh, readyAt } = freshInstances(monitored, from, versions);
  const telemetry = telemetryOf({ ...world, fresh });
  const asked = Look.parse({
    number: 1,
    service: alert.service,
    environment: 'production',
    ...versions,
    by: 'firebreak',
    started_at: stamp(from),
    seconds: LOOK_SECONDS,
    ended_at: null,
    verdict: null,
    text: '',
    curves: null,
  });
  const crashing = stage.faults.filter((one) => one.service === alert.service && one.crashSeconds !== undefined);
  const stateOf = (instance: Instance, now: number): LookInstance => {
    const crash = crashing.find((fault) => concerns(fault, instance) && fault.shape(now) > 0);
    const hasCrashed = crash !== undefined && now >= readyAt + (crash.crashSeconds ?? 0);
    return {
      name: instance.name,
      state: now >= readyAt ? 'ready' : 'starting',
      readyAt: now >= readyAt ? stamp(readyAt) : null,
      restarts: hasCrashed ? 1 : 0,
      detail: null,
    };
  };
  const ends = ({ verdict, text }: LookResult, until: number) => ({
    look: { ...versions, verdict, text, at: stamp(until) },
    until,
  });
  for (let now = from; ; now += POLL_SECONDS) {
    const current = stage.rollouts.findLast(({ service, start }) => service === alert.service && start <= now);
    if (current !== undefined && current.version !== versions.suspect)
      return ends({ verdict: 'refused', text: `not tested: ${current.version} is running now`, metric: null }, now);
    const [suspect, other] = fresh.map((instance) => stateOf(instance, now)) as [LookInstance, LookInstance];
    const pair: LookPair = { suspect, other };
    const alone = resultOfInstances(pair, versions, { startedAt: stamp(from), now: stamp(now) });
    if (alone !== null) return ends(alone, now);
    const isOver = now - from >= LOOK_SECONDS;
    if (now >= readyAt) {
      const range: MetricQueries['range'] = async (query, since, until, step): Promise<Answered> => {
        const start = millisOf(since) / 1000 - world.epoch;
        const count = Math.floor((millisOf(until) - millisOf(since)) / 1000 / step) + 1;
        return {
          kind: 'series',
          series: evaluate(query, { start, step, count, now }, telemetry).map(({ labels, values, present }) => ({
            labels: { ...labels },
            values: [...values].flatMap((value, index): [number, number][] =>
              present[index] === 1 ? [[world.epoch + start + index * step, value]] : [],
            ),
          })),
        };
      };
      const measured = await measureLook(
        {
          config: { current: async () => configOf(monitored), problems: async () => [] },
          clock: { now: () => stamp(now) },
          metricQueries: { range, instant: () => Promise.reject(new Error('not called')) },
          judgeMetrics: { derived: derivedMetrics, measure: () => Promise.reject(new Error('not called')) },
        },
        asked,
        pair,
      );
      const found = resultOfMetrics(measured.metrics, versions, measured.windows);
      if (found !== null) return ends(found, now);
      if (isOver) return ends(undecided(measured.metrics, versions), now);
    } else if (isOver) return ends(undecided([], versions), now);
  }
}

/** Returns an instance of the suspect and one of the other version, on one machine. */
function freshInstances(
  { world, alert }: MonitoredCase,
  from: number,
  { suspect, other }: Versions,
): { fresh: (Instance & { service: string })[]; readyAt: number } {
  const rng = random(seedOf(world.seed, alert.service, from, 'look'));
  const region = rng.pick(['a', 'b'] as const);
  const node = `${region}-${rng.whole(0, NODES - 1)}`;
  const readyAt = from + rng.scale(...STARTS_AFTER);
  const fresh = [suspect, other].map((version, slot) => ({
    service: alert.service,
    name: `${alert.service}-look-${slot}`,
    slot: -1 - slot,
    version,
    from: readyAt,
    until: Math.min(world.length, from + LOOK_SECONDS + POLL_SECONDS),
    isCanary: false,
    node,
    region,
  }));
  return { fresh, readyAt };
}
