import type { OpenSlo } from '../../schemas/openslo.ts';
import type { Problem } from '../../../../core/domain/lint/problem.ts';
import type { Located } from '../../../../core/domain/lint/source-locations.ts';
import type { Path } from './fields.ts';

/** An OpenSLO v1 document converted from another format. `at` returns the location in the original. */
export type Converted = { document: Located<unknown>; source: string };

export type Imported = { converted: Converted[]; problems: Problem[] };

/** Defaults, set by the user at import, for values that a document lacks. */
export type Defaults = {
  /** For documents whose labels name no environment. */
  environment?: string | undefined;
  /** Documents of Sloth have no time window. */
  window: string;
};

/** Mapping of paths in the converted document to paths in the original; the longest matching prefix applies. */
export type Origins = readonly (readonly [made: Path, source: Path])[];

export type SloParts = {
  name: string;
  labels: Readonly<Record<string, string | string[]>>;
  description?: string | undefined;
  service: string;
  indicator: object;
  window: object;
  budgetingMethod: string;
  objective: object;
};

export function convertedOf(
  { at }: Located<unknown>,
  parts: SloParts,
  { environment }: Defaults,
  origins: Origins,
  source: string,
): Converted {
  const { name, description, service, indicator, window, budgetingMethod, objective } = parts;
  const hasEnvironment = ['environment', 'env'].some((key) => Object.hasOwn(parts.labels, key));
  const labels = environment === undefined || hasEnvironment ? parts.labels : { ...parts.labels, environment };
  const value = {
    apiVersion: 'openslo/v1' satisfies OpenSlo['apiVersion'],
    kind: 'SLO',
    metadata: { name, ...(Object.keys(labels).length > 0 && { labels }) },
    spec: {
      ...(description !== undefined && { description }),
      service,
      indicator: { spec: indicator },
      timeWindow: [window],
      budgetingMethod,
      objectives: [objective],
    },
  };
  return { source, document: { value, at: (path) => at(originOf(path, origins)) } };
}

function originOf(path: readonly PropertyKey[], origins: Origins): Path {
  const fitting = origins.filter(([made]) => made.every((step, index) => String(path[index]) === String(step)));
  return fitting.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? [];
}

export const prometheusSource = (query: string): object => ({ metricSource: { type: 'Prometheus', spec: { query } } });
