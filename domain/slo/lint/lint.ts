import type { Config } from '../../../schemas/config/config.ts';
import { serviceEntry } from '../../catalogue/catalogue.ts';
import { didYouMean } from '../../runbooks/similar-names.ts';
import type { Problem } from '../../runbooks/problem.ts';
import { queriesOf } from '../indicators.ts';
import { lintQuery } from './queries.ts';
import { lintTarget } from './targets.ts';
import { warningAt, type LocatedSlo } from '../source-locations.ts';

/**
 * Returns warnings for valid objectives that measure something unsuitable or have unrealistic targets, without
 * duplicates.
 *
 * @param services the catalogue. Absent: names of services and environments are not checked
 */
export function lint(slos: readonly LocatedSlo[], services?: Config['services']): Problem[] {
  const found = slos.flatMap((source) => [
    ...queryWarnings(source),
    ...sameQuery(source),
    ...lintTarget(source),
    ...(services === undefined ? [] : unknownScope(source, services)),
  ]);
  // Several objectives can share one indicator.
  return [...new Map(found.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function queryWarnings({ slo, name, queries }: LocatedSlo): Problem[] {
  return queriesOf(slo.indicator).flatMap((text, index) =>
    lintQuery(text, slo.indicator).map(({ message, suggestion }) =>
      warningAt(queries[index] ?? name, message, suggestion),
    ),
  );
}

function sameQuery({ slo: { indicator }, queries: [numerator], name }: LocatedSlo): Problem[] {
  if (indicator.kind !== 'ratio' || spaceless(indicator.numerator) !== spaceless(indicator.total)) return [];
  const message = `"${indicator.of}" and "total" are the same query, so every event is ${indicator.of}`;
  return [warningAt(numerator ?? name, message, 'make the queries differ')];
}

const spaceless = (query: string): string => query.replaceAll(/\s+/g, '');

function unknownScope({ slo, service, environment }: LocatedSlo, services: Config['services']): Problem[] {
  const entry = serviceEntry(services, slo.service);
  if (entry === undefined) {
    const suggestion = didYouMean(slo.service, Object.keys(services));
    return [warningAt(service, `the catalogue has no service "${slo.service}"`, suggestion)];
  }
  // A service without listed environments accepts any environment.
  const known = Object.keys(entry.environments);
  if (known.length === 0 || known.includes(slo.environment)) return [];
  const message = `${slo.service} has no environment "${slo.environment}" in the catalogue`;
  return [warningAt(environment, message, didYouMean(slo.environment, known))];
}
