import { serviceNamed } from '../../core/domain/catalogue/known-names.ts';
import { SERVICE_LABELS } from '../../core/domain/catalogue/measured-scope.ts';
import type { Problem } from '../../core/domain/lint/problem.ts';
import type { Config, EnvironmentEntry } from '../../schemas/config/config.ts';
import { selectorsOf } from './recorded-series.ts';
import { JOINS } from './version-query.ts';

type Health = NonNullable<EnvironmentEntry['health']>;

/** Queries of `health` that must measure one service. */
export const MEASURING = ['promql', 'traffic', 'byVersion', 'trafficByVersion'] as const satisfies (keyof Health)[];

const NAMING: ReadonlySet<string> = new Set(SERVICE_LABELS);
/** Labels by which a selector can take one service without its name. */
const NARROWING: ReadonlySet<string> = new Set(
  NAMING.union(new Set(['namespace', 'pod', 'container', 'deployment', 'instance', 'host', 'cluster'])),
);
/** They are joined to series of the service. */
const JOINED: ReadonlySet<string> = new Set(JOINS.map(({ metric }) => metric));

type ScopeProblem = Pick<Problem, 'level'> & { key: (typeof MEASURING)[number]; text: string };

/**
 * Returns which queries measure another service of the catalogue, by their matchers, or probably all services: `promql` names
 * the service, and they take the series of a metric regardless of it. What Prometheus has is not known here.
 */
export function healthScopeProblems(services: Config['services'], service: string, health: Health): ScopeProblem[] {
  const namesService = selectorsOf(health.promql).some(({ matchers }) =>
    (matchers ?? []).some(({ name }) => NAMING.has(name)),
  );
  return MEASURING.flatMap((key) =>
    selectorsOf(health[key] ?? '').flatMap(({ name: metric, matchers }): ScopeProblem[] => {
      if (matchers === null || JOINED.has(metric)) return [];
      const other = matchers
        .filter(({ name, isEqual, isRegex }) => isEqual && !isRegex && NAMING.has(name))
        .flatMap(({ value }) => serviceNamed(services, value) ?? [])
        .find((named) => named !== service);
      if (other !== undefined) return [{ key, level: 'error', text: `measures the service ${other}` }];
      const isWide = namesService && !matchers.some(({ name }) => NARROWING.has(name));
      return isWide && !metric.includes(service.replaceAll('-', '_'))
        ? [
            {
              key,
              level: 'warning',
              text: `takes ${metric} of all services, if several have it: add the matchers that promql has`,
            },
          ]
        : [];
    }),
  );
}
