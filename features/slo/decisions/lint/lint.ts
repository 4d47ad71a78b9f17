import type { Config } from '../../../../schemas/config/config.ts';
import { serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import { didYouMean, suggester } from '../../../../schemas/parsing/similar-names.ts';
import type { Problem } from '../../../../core/domain/lint/problem.ts';
import { queriesOf } from '../indicators.ts';
import { lintQuery } from './queries.ts';
import { warningAt } from '../../../../core/domain/lint/source-locations.ts';
import type { LocatedSlo } from '../objectives.ts';
import type { Slo, SloWindow } from '../../../../schemas/slo/slo.ts';

/**
 * Returns warnings for valid objectives that measure something unsuitable or have unrealistic targets, without
 * duplicates.
 *
 * @param services the catalogue. Absent: names of services and environments are not checked
 */
export function lint(slos: readonly LocatedSlo[], services?: Config['services']): Problem[] {
  const suggestionFor = suggester(Object.keys(services ?? {}));
  const found = slos.flatMap((source) => [
    ...queryWarnings(source),
    ...sameQuery(source),
    ...lintTarget(source),
    ...(services === undefined ? [] : unknownScope(source, services, suggestionFor)),
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

function unknownScope(
  { slo, service, environment }: LocatedSlo,
  services: Config['services'],
  suggestionFor: (name: string) => string | null,
): Problem[] {
  const entry = serviceEntry(services, slo.service);
  if (entry === undefined)
    return [warningAt(service, `the catalogue has no service "${slo.service}"`, suggestionFor(slo.service))];
  // A service without listed environments accepts any environment.
  const known = Object.keys(entry.environments);
  if (known.length === 0 || known.includes(slo.environment)) return [];
  const message = `${slo.service} has no environment "${slo.environment}" in the catalogue`;
  return [warningAt(environment, message, didYouMean(slo.environment, known))];
}

const DAY_SECONDS = 24 * 3600;

/** Minimum length in days of each calendar unit. */
const UNIT_DAYS = { day: 1, week: 7, month: 28, quarter: 90, year: 365 } as const;

/** Minimum budget in seconds of full outage: a shorter outage is over before anyone can react. */
const BUDGET_MIN_SECONDS = 60;

/** A lower target is probably a mistake. */
const TARGET_MIN = 0.5;

const SUGGESTED_WINDOW = 'use four weeks (28d), which are long enough and always have the same number of weekends';

/** Checks the target and the window of an objective. */
function lintTarget({ slo, target, window }: LocatedSlo): Problem[] {
  const problems: Problem[] = [];
  const seconds = secondsOf(slo.window);
  const budget = (1 - slo.target) * seconds;
  if (slo.target < TARGET_MIN) problems.push(warningAt(target, `the target ${percent(slo)} is low`, suggestion(slo)));
  if (budget < BUDGET_MIN_SECONDS) {
    const message = `the whole budget is ${budget.toPrecision(2)} s of outage: it is spent before a person can act`;
    problems.push(warningAt(target, message, 'lower the target, or use a longer window'));
  }
  if (seconds < DAY_SECONDS)
    problems.push(warningAt(window, 'a window shorter than a day forgets an outage within hours', SUGGESTED_WINDOW));
  return problems;
}

const secondsOf = (window: SloWindow): number =>
  window.kind === 'rolling' ? window.seconds : window.count * UNIT_DAYS[window.unit] * DAY_SECONDS;

const percent = ({ target }: Slo): string => `${Number((target * 100).toPrecision(12))} %`;

/** Suggests the likely target: a common mistake is `targetPercent: 0.999`. */
const suggestion = ({ target }: Slo): string | null =>
  target < 0.01 ? `did you mean target: ${Number((target * 100).toPrecision(12))}?` : null;
