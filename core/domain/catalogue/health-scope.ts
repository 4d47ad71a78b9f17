import type { Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { Problem } from '../lint/problem.ts';
import { serviceNamed } from './known-names.ts';
import { SERVICE_LABELS } from './measured-scope.ts';

type Health = NonNullable<EnvironmentEntry['health']>;

/** Queries of `health` that must measure one service. */
export const MEASURING = ['promql', 'traffic', 'byVersion', 'trafficByVersion'] as const satisfies (keyof Health)[];

const NAMING: ReadonlySet<string> = new Set(SERVICE_LABELS);
/** Labels by which a selector can take one service without its name. */
const NARROWING: ReadonlySet<string> = NAMING.union(
  new Set(['namespace', 'pod', 'container', 'deployment', 'instance', 'host', 'cluster']),
);
/** Metrics that are joined to series of the service. */
const JOINED = /^(?:kube_|target_info$)/;

/** A selector with matchers or a range, by the name of its metric. */
const SELECTOR = /([a-zA-Z_:][\w:]*)\s*(?:\{((?:[^}"]|"(?:[^"\\]|\\.)*")*)\}|(?=\[))/g;
const MATCHER = /([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;

const selectorsOf = (promql: string) =>
  [...promql.matchAll(SELECTOR)].map(([, metric = '', list = '']) => ({
    metric,
    matchers: [...list.matchAll(MATCHER)].map(([, name = '', operator = '', value = '']) => ({
      name,
      operator,
      value,
    })),
  }));

type ScopeProblem = Pick<Problem, 'level'> & { key: (typeof MEASURING)[number]; text: string };

/**
 * Returns which queries measure another service of the catalogue, by their matchers, or probably all services: `promql` names
 * the service, and they take the series of a metric regardless of it. What Prometheus has is not known here.
 */
export function healthScopeProblems(services: Config['services'], service: string, health: Health): ScopeProblem[] {
  const namesService = selectorsOf(health.promql).some(({ matchers }) => matchers.some(({ name }) => NAMING.has(name)));
  return MEASURING.flatMap((key) =>
    selectorsOf(health[key] ?? '').flatMap(({ metric, matchers }): ScopeProblem[] => {
      const other = matchers
        .filter(({ name, operator }) => operator === '=' && NAMING.has(name))
        .flatMap(({ value }) => serviceNamed(services, value) ?? [])
        .find((named) => named !== service);
      if (other !== undefined) return [{ key, level: 'error', text: `measures the service ${other}` }];
      const isNarrow =
        matchers.some(({ name }) => NARROWING.has(name)) || metric.includes(service.replaceAll('-', '_'));
      if (!namesService || isNarrow || JOINED.test(metric)) return [];
      const text = `takes ${metric} of all services, if several have it: add the matchers that promql has`;
      return [{ key, level: 'warning', text }];
    }),
  );
}
