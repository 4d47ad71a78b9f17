import type { Config } from '../../../schemas/config/config.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { environmentEntry, serviceEntry } from '../catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import type { CanaryEvidence, Control, Judgement, MetricEvidence } from './evidence.ts';

/** Services that are read as controls: each costs queries. */
const CONTROLS_MAX = 6;

/** Returns whether a version is degraded only by a comparison with the time before, which a control can refute. */
export const needsControls = ({ metrics }: Judgement): boolean =>
  metrics.some(({ verdict, comparison, p }) => verdict === 'degraded' && comparison === 'before' && p !== null);

/**
 * Returns the services whose rise would show that the version is not the only explanation: what the service depends on, its
 * callers, and its neighbors, which share one of these with it.
 */
export function controlServices(
  services: Config['services'],
  { service, environment }: ServiceEnvironment,
): (Pick<Control, 'relation'> & { service: ServiceName })[] {
  const names = Object.keys(services) as ServiceName[];
  const dependenciesOf = (name: ServiceName): readonly ServiceName[] => serviceEntry(services, name)?.dependsOn ?? [];
  const callersOf = (name: ServiceName): ServiceName[] => names.filter((other) => dependenciesOf(other).includes(name));
  const dependencies = dependenciesOf(service);
  const callers = callersOf(service);
  const neighbors = [...dependencies.flatMap(callersOf), ...callers.flatMap(dependenciesOf)];
  const relations = new Map<ServiceName, Control['relation']>();
  const add = (relation: Control['relation'], added: readonly ServiceName[]): void => {
    for (const name of added) if (name !== service && !relations.has(name)) relations.set(name, relation);
  };
  // A service that both calls and is called is a caller: it has the version's errors.
  add('caller', callers);
  add('dependency', dependencies);
  add('neighbor', neighbors);
  return [...relations]
    .filter(([name]) => environmentEntry(services, { service: name, environment }) !== undefined)
    .map(([name, relation]) => ({ service: name, relation }))
    .slice(0, CONTROLS_MAX);
}

/** What the service did on an earlier day. `seconds`: how much earlier. */
type Day = { name: string; seconds: number; metrics: readonly MetricEvidence[] };

/** Adds what the metrics of the same names were on earlier days, at the times of today's windows. */
export const withEarlierDays = (evidence: CanaryEvidence, days: readonly Day[]): CanaryEvidence => ({
  ...evidence,
  metrics: evidence.metrics.map((metric): MetricEvidence => {
    const same = days.flatMap((day) =>
      day.metrics.flatMap((other) => (other.name === metric.name ? [{ ...day, other }] : [])),
    );
    switch (metric.kind) {
      case 'ratio':
        return {
          ...metric,
          earlier: same.flatMap(({ other, ...day }) => (other.kind === 'ratio' ? [today(other, day)] : [])),
        };
      case 'latency':
        return {
          ...metric,
          earlier: same.flatMap(({ other, ...day }) => (other.kind === 'latency' ? [today(other, day)] : [])),
        };
      case 'value':
        return {
          ...metric,
          earlier: same.flatMap(({ other, ...day }) => (other.kind === 'value' ? [today(other, day)] : [])),
        };
      case 'missing':
        return metric;
    }
  }),
});

function today<T extends { at: number }>(
  { version, history }: { version: readonly T[]; history: readonly T[] },
  { name, seconds }: Pick<Day, 'name' | 'seconds'>,
): { name: string; version: T[]; history: readonly T[] } {
  return { name, version: version.map((window) => ({ ...window, at: window.at + seconds })), history };
}
