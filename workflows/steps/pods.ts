import { environmentEntry } from '../../core/domain/catalogue/catalogue.ts';
import type { HealthQuery } from '../../core/domain/catalogue/health.ts';
import { isCalled } from '../../core/domain/changes/identified-versions.ts';
import type { Evidence, PodsOfVersion } from '../../core/domain/correlation/evidence.ts';
import { CANNOT_START, PODS_SECONDS } from '../../core/domain/correlation/pods.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Metrics } from '../../core/domain/ports/metrics.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** The most series that are read, of about 250 pods. With more, nothing is known. */
const SERIES_MAX = 2_000;

/** Restarts from which on a pod restarts repeatedly. A single one can be an eviction, or a lack of memory on its node. */
const MIN_RESTARTS = 2;

/** Labels of `kube_pod_labels` in which the version usually is, the best first. */
const VERSION_LABELS = ['label_app_kubernetes_io_version', 'label_version', 'label_app_version'] as const;

const LABELS = ['pod', 'reason', 'restarts', 'condition', 'image_spec', 'image', ...VERSION_LABELS] as const;

/**
 * Returns the query for the state of pods: their labels, images, readiness, restarts, and why their containers wait.
 * @see https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/pod-metrics.md
 * @param matchers label matchers that select the pods of a service
 */
export function podsQuery(matchers: string): string {
  const of = (metric: string, more = ''): string => `${metric}{${matchers}${more}}`;
  const window = `[${PODS_SECONDS}s]`;
  const restarts = `round(increase(${of('kube_pod_container_status_restarts_total')}${window})) > 0`;
  const parts = [
    of('kube_pod_labels'),
    of('kube_pod_container_info'),
    of('kube_pod_status_ready', ',condition="true"'),
    // A container that crashes waits only most of the time.
    `max_over_time(${of('kube_pod_container_status_waiting_reason', `,reason=~"${CANNOT_START.join('|')}"`)}${window}) > 0`,
    `label_replace(${restarts}, "restarts", "yes", "", "")`,
  ];
  return `topk(${SERIES_MAX}, ${parts.join(' or ')})`;
}

/** One series of the query. Labels that it lacks are empty. */
type Read = Record<(typeof LABELS)[number], string> & { value: number };

/** Reads the state of the pods by version. Empty: not configured, no answer, or too many pods. */
export async function podsOf(
  metrics: Metrics,
  query: HealthQuery | undefined,
  { own, at }: { own: readonly Change[]; at: Timestamp },
): Promise<Pick<Evidence, 'pods'>> {
  if (query?.pods === undefined) return {};
  const found = await metrics.rangeByLabel(podsQuery(query.pods), LABELS, at, at, 'max');
  if (found === null || found.length === 0 || found.length >= SERIES_MAX) return {};
  const series = found.flatMap(({ label, curve }): Read[] => {
    const values = label.split('\n');
    const labels = Object.fromEntries(LABELS.map((name, index) => [name, values[index] ?? '']));
    return curve.slice(-1).map(([, value]) => ({ ...labels, value }) as Read);
  });
  const pods = [...Map.groupBy(series, ({ pod }) => pod).values()].flatMap((one) => podIn(one, own));
  return { pods: byVersion(pods) };
}

/**
 * Reads the state of the pods by version: from metrics, or else from the deployer, if it shows what it runs. Empty: neither is
 * configured, allowed, or answers.
 */
export async function podsSeen(
  deps: Pick<Deps, 'log' | 'metrics' | 'targets'>,
  query: HealthQuery | undefined,
  context: { target: ServiceEnvironment; config: Config; own: readonly Change[]; at: Timestamp },
): Promise<Pick<Evidence, 'pods'>> {
  const measured = await podsOf(deps.metrics, query, context);
  return measured.pods === undefined ? runningPods(deps, context) : measured;
}

async function runningPods(
  { targets, log }: Pick<Deps, 'log' | 'targets'>,
  { target, config, own }: { target: ServiceEnvironment; config: Config; own: readonly Change[] },
): Promise<Pick<Evidence, 'pods'>> {
  try {
    const entry = environmentEntry(config.services, target)?.deployer;
    const deployer = entry && (await targets.deployerFor(entry, target));
    const shown = await deployer?.instances?.();
    if (shown?.kind !== 'instances') return {};
    return { pods: byVersion(shown.instances.flatMap(({ names, ...state }) => podOf(names, own, state))) };
  } catch (error) {
    log.warn('The pods of a service could not be read', { service: target.service, error: String(error) });
    return {};
  }
}

type PodState = { ready: boolean | null; restarts: number; reasons: readonly string[] };
type Pod = PodState & { version: string };

/** Returns a pod with its version. Empty: nothing names it. */
function podOf(names: readonly string[], own: readonly Change[], state: PodState): Pod[] {
  // A pod can have containers of other images.
  const version = names.find((name) => own.some((change) => isCalled(change, name))) ?? names[0];
  const restarts = state.restarts >= MIN_RESTARTS ? state.restarts : 0;
  return version === undefined ? [] : [{ ...state, version, restarts }];
}

const byVersion = (pods: readonly Pod[]): PodsOfVersion[] =>
  [...Map.groupBy(pods, ({ version }) => version)].map(([version, some]) => together(version, some));

/** Returns what the series of a pod say. Empty: it is gone, or nothing names its version. */
function podIn(series: readonly Read[], own: readonly Change[]): Pod[] {
  const labelled = VERSION_LABELS.flatMap((name) => series.map((one) => one[name])).filter((name) => name !== '');
  const images = series.flatMap((one) => imageVersions(one.image_spec || one.image));
  const ready = series.filter(({ condition }) => condition !== '').map(({ value }) => value > 0);
  const restarts = series.filter((one) => one.restarts !== '').reduce((sum, { value }) => sum + value, 0);
  const isReady = ready.length === 0 ? null : ready.includes(true);
  const reasons = isReady === true ? [] : series.map(({ reason }) => reason).filter((reason) => reason !== '');
  return podOf([...labelled, ...images], own, { ready: isReady, restarts, reasons });
}

function together(version: string, pods: readonly Pod[]): PodsOfVersion {
  const restarting = pods.filter(({ restarts }) => restarts > 0);
  const ready = pods.filter((pod) => pod.ready).length;
  return {
    version,
    pods: pods.length,
    ready: ready === 0 && pods.some((pod) => pod.ready === null) ? null : ready,
    failing: pods.filter(({ restarts, reasons }) => restarts > 0 || reasons.length > 0).length,
    restarting: restarting.length,
    restarts: restarting.reduce((sum, { restarts }) => sum + restarts, 0),
    reasons: [...new Set(pods.flatMap(({ reasons }) => reasons))].toSorted(),
  };
}

/** @example imageVersions('registry.test:5000/shop/checkout:v42') // ['v42'] */
function imageVersions(image: string): string[] {
  const [reference = ''] = image.split('@');
  const [, tag] = /:([^/:]+)$/.exec(reference) ?? [];
  return tag === undefined ? [] : [tag];
}
