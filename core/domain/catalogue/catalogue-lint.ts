import type { Config } from '../../../schemas/config/config.ts';
import { type Severity, UNMATCHED } from '../../../schemas/config/names.ts';
import type { Matcher } from '../../../schemas/alerts/matcher-syntax.ts';
import type { InhibitRule } from '../../../schemas/alerts/routes.ts';
import type { Hours } from '../../../schemas/time/hours.ts';
import { recurrenceDoubt } from '../../../schemas/time/recurrence.ts';
import type { TimeSpan } from '../../../schemas/time/time-span.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { matches } from '../alerts/matchers.ts';
import { knownSeverity, SEVERITIES } from '../../../schemas/alerts/severities.ts';
import { editDistance, nearest, suggester } from '../../../schemas/parsing/similar-names.ts';
import type { Problem } from '../lint/problem.ts';
import { warningAt, type Locate, type SourceLocation, errorAt } from '../lint/source-locations.ts';
import { firstCovering } from './first-covering.ts';
import { configuredEnvironments, type NamingConfig } from './known-names.ts';

type Services = Config['services'];

/** Returns the problems of a valid catalogue. */
export function lintCatalogue(services: Services, locate: Locate): Problem[] {
  const names = Object.keys(services);
  if (names.length === 0)
    return [
      warningAt(locate([]), 'the catalogue has no services, so every alert is unmatched and nothing is automatic'),
    ];
  return [...unknownDependencies(services, locate), ...shadowedMatches(services, locate)];
}

function unknownDependencies(services: Services, locate: Locate): Problem[] {
  const suggestionFor = suggester(Object.keys(services));
  return Object.entries(services).flatMap(([service, { dependsOn }]) =>
    dependsOn.flatMap((name, index) => {
      const at = (): SourceLocation => locate(['services', service, 'dependsOn', index]);
      if (name === service) return [warningAt(at(), `${service} depends on itself`)];
      if (Object.hasOwn(services, name)) return [];
      return [
        warningAt(at(), `the catalogue has no service "${name}", a dependency of ${service}`, suggestionFor(name)),
      ];
    }),
  );
}

/**
 * Reports services whose labels equal or extend those of an earlier service: only the earlier one ever receives alerts.
 */
function shadowedMatches(services: Services, locate: Locate): Problem[] {
  const names = Object.keys(services);
  const labels = Object.entries(services).map(([name, { match = { service: name } }]) =>
    Object.entries(match).map((label) => JSON.stringify(label)),
  );
  return firstCovering(labels).flatMap((first, index) => {
    if (first === undefined) return [];
    const name = names[index] ?? '';
    return [
      errorAt(
        locate(['services', name, 'match']),
        `every alert that matches ${name} is assigned to ${names[first]}, which comes first`,
        'give each service its own labels in "match", or put the more specific one first',
      ),
    ];
  });
}

type RoutesConfig = NamingConfig & Pick<Config, 'routes'>;

const MUTES_ALL = 'this rule has no targets, so it mutes all alerts while its source fires';
const ADD_TARGETS = 'name them in "target_matchers"';

/** Both times as HH:MM, of the 24-hour clock: a night is meant. */
const TIMES_OF_DAY = /\b\d\d:\d\d\b[^]*\b\d\d:\d\d\b/;

/**
 * Returns warnings for valid routes: unknown names, unreachable routes, and windows in the past.
 *
 * @param written the text at a path, as a person has written it
 */
export function lintRoutes(
  config: RoutesConfig,
  now: Timestamp,
  locate: Locate,
  written: (path: readonly PropertyKey[]) => string,
): Problem[] {
  const { routes, maintenance, inhibit_rules: rules } = config.routes;
  const known = knownLabels(config);
  return [
    ...rules.flatMap((rule, index) => {
      const { source_matchers: sources, target_matchers: targets, equal } = rule;
      const location = locate(['inhibit_rules', index]);
      const locationOfEqual = locate(['inhibit_rules', index, 'equal']);
      return [
        ...(targets.length > 0 || sources.length === 0 ? [] : [warningAt(location, MUTES_ALL, ADD_TARGETS)]),
        ...unknownLabels(config, known, [...sources, ...targets], location, 'this rule mutes nothing'),
        ...internalLabels(equal, locationOfEqual, 'it restricts nothing'),
        ...misspelledLabels(known, equal, locationOfEqual, 'it restricts nothing'),
        ...differingLabels(rule, config, location),
      ];
    }),
    ...unreachableRoutes(routes, locate),
    ...routes.flatMap((route, index) => [
      ...unknownLabels(config, known, route.matchers, locate(['routes', index]), 'this route matches nothing'),
      ...route.hours.flatMap((hours, n) => {
        const path = ['routes', index, 'hours', ...(route.hours.length > 1 ? [n] : [])];
        return TIMES_OF_DAY.test(written(path)) ? [] : nightByDay(hours, path.join('.'), locate(path));
      }),
    ]),
    ...maintenance.flatMap((window, index) => [
      ...unknownLabels(
        config,
        known,
        window.matchers,
        locate(['maintenance', index]),
        'this window applies to nothing',
      ),
      ...spanProblems(window, window.name, now, locate(['maintenance', index])),
    ]),
  ];
}

/**
 * Reports hours that begin in the morning and go on until the next day, such as 9-5. If both times are of the 12-hour clock, they
 * mean the day.
 */
function nightByDay({ from, to }: Hours, name: string, location: SourceLocation): Problem[] {
  const [begin, end] = [hourOf(from), hourOf(to)];
  if (begin > 12 || end >= begin || end + 12 <= begin) return [];
  const [hour = '', minute = ''] = to.split(':');
  return [
    warningAt(
      location,
      `${name} is read as ${from} until ${to} of the next day`,
      `if the day is meant, write ${from}-${Number(hour) + 12}:${minute}`,
    ),
  ];
}

const hourOf = (time: string): number => {
  const [hours = '', minutes = ''] = time.split(':');
  return Number(hours) + Number(minutes) / 60;
};

/** What the catalogue says of labels: those that its services have, and the possible values of some. Values of others are unknown. */
type KnownLabels = ReturnType<typeof knownLabels>;

function knownLabels(config: RoutesConfig) {
  const { services } = config;
  const values = {
    service: [...Object.keys(services), UNMATCHED],
    team: Object.values(services).flatMap(({ team }) => team ?? []),
    environment: [...configuredEnvironments(config)],
  };
  return {
    names: new Set([...USUAL_LABELS, ...Object.values(services).flatMap(({ match = {} }) => Object.keys(match))]),
    values: new Map(
      Object.entries(values).map(([name, known]) => [
        name,
        { values: new Set<string>(known), suggestionFor: suggester(known) },
      ]),
    ),
  };
}

/** Returns the words that are known for severities, with their meaning. */
const severityWords = ({ routes }: RoutesConfig): [word: string, meaning: Severity][] =>
  Object.entries({ ...SEVERITIES, ...routes.severities });

function unknownLabels(
  config: RoutesConfig,
  known: KnownLabels,
  matchers: readonly Matcher[],
  location: SourceLocation,
  consequence: string,
): Problem[] {
  if (Object.keys(config.services).length === 0) return [];
  const names = matchers.map(({ name }) => name);
  const internal = internalLabels(names, location, 'its matcher sees an empty value');
  const misspelled = misspelledLabels(known, names, location, 'its matcher sees an empty value');
  const unknown = matchers.flatMap(({ name, value, isRegex, isEqual }) => {
    const label = known.values.get(name);
    // Services and environments outside the catalogue can match a pattern.
    if (label === undefined || !isEqual || isRegex || value === '' || label.values.has(value)) return [];
    return [warningAt(location, `there is no ${name} "${value}", so ${consequence}`, label.suggestionFor(value))];
  });
  return [...internal, ...misspelled, ...unknown, ...unknownSeverities(config, matchers, location)];
}

/** Reports matchers of the severity with words of which none is known. Senders can use such words, so they can match. */
function unknownSeverities(config: RoutesConfig, matchers: readonly Matcher[], location: SourceLocation): Problem[] {
  const words = severityWords(config).map(([word]) => word);
  return matchers.flatMap((matcher) => {
    const { name, value, isEqual } = matcher;
    if (name !== 'severity' || !isEqual || value === '') return [];
    const named = value.split('|');
    if (named.some((word) => knownSeverity(word, config.routes.severities) !== undefined)) return [];
    if (words.some((word) => matches([matcher], new Map([[name, word]])))) return [];
    const meant = named.map((word) => nearest(word, words) ?? word).join('|');
    const suggestion = meant === value ? 'give the word a meaning in "severities"' : `did you mean "${meant}"?`;
    return [
      warningAt(location, `no severity is known as "${value}": alerts with unknown ones are warnings`, suggestion),
    ];
  });
}

/** Reports labels that Prometheus and Grafana keep to themselves. */
const internalLabels = (names: readonly string[], location: SourceLocation, consequence: string): Problem[] =>
  [...new Set(names)]
    .filter((name) => name.startsWith('__'))
    .map((name) => warningAt(location, `no alert has the label "${name}", so ${consequence}`));

/**
 * Reports labels of `equal` for which the source of a rule has a value that its targets can't have. Of severities, the
 * meanings are compared.
 */
const differingLabels = (
  { source_matchers: sources, target_matchers: targets, equal }: InhibitRule,
  config: RoutesConfig,
  location: SourceLocation,
): Problem[] =>
  sources
    .filter(({ name, isRegex, isEqual }) => isEqual && !isRegex && equal.includes(name))
    .filter(({ name, value }) => {
      const ofTarget = targets.filter((matcher) => matcher.name === name);
      if (name !== 'severity') return !matches(ofTarget, new Map([[name, value]]));
      const meaning = knownSeverity(value, config.routes.severities) ?? 'warning';
      const words = [value, ...severityWords(config).flatMap(([word, means]) => (means === meaning ? [word] : []))];
      return !words.some((word) => matches(ofTarget, new Map([[name, [meaning, word]]])));
    })
    .map(({ name, value }) =>
      warningAt(
        location,
        `the targets never have the ${name} "${value}" of the source, as "equal" requires, so this rule mutes nothing`,
        `remove "${name}" from "equal"`,
      ),
    );

/** Labels that routes see in each alert, and others that most alerts have. */
const USUAL_LABELS =
  'service environment severity team tier source alertname cluster namespace instance container'.split(' ');

/** Minimum lengths of a label for one and two wrong letters: shorter names have other similar names. */
const LETTERS_MIN = [6, 9] as const;

/** Reports labels that differ from a usual label, or one that the catalogue names, only in case or in a typo. */
function misspelledLabels(
  { names: known }: KnownLabels,
  names: readonly string[],
  location: SourceLocation,
  consequence: string,
): Problem[] {
  return [...new Set(names)].flatMap((name) => {
    if (known.has(name)) return [];
    const meant = [...known].find((usual) => {
      const wrong = editDistance(name.toLowerCase(), usual.toLowerCase());
      return wrong <= LETTERS_MIN.filter((letters) => usual.length >= letters).length;
    });
    if (meant === undefined) return [];
    const message = `the label "${name}" is probably a typo, so ${consequence}`;
    return [warningAt(location, message, `did you mean "${meant}"?`)];
  });
}

/** Reports routes of which an earlier route without `continue` matches everything that they match. */
function unreachableRoutes(routes: Config['routes']['routes'], locate: Locate): Problem[] {
  const conditions = routes.map(({ matchers }) =>
    matchers.map(({ name, value, isRegex, isEqual }) => JSON.stringify([name, value, isRegex, isEqual])),
  );
  const isLast = (index: number): boolean => !routes[index]?.continue && routes[index]?.hours.length === 0;
  return firstCovering(conditions, isLast).flatMap((first, index) => {
    if (first === undefined) return [];
    const name = routes[first]?.name ?? `route ${first + 1}`;
    return [
      warningAt(
        locate(['routes', index]),
        `this route is unreachable: ${name} matches all of its alerts first`,
        'move this route up, or set "continue: true" in the other one',
      ),
    ];
  });
}

/** Reports a span that has ended, and one whose recurrence means something else than it says. */
export function spanProblems(span: TimeSpan, name: string, now: Timestamp, location: SourceLocation): Problem[] {
  if ('rrule' in span) {
    const doubt = recurrenceDoubt(span.rrule);
    return doubt === undefined ? [] : [warningAt(location, `"${name}": ${doubt}`)];
  }
  if (span.until > now) return [];
  return [warningAt(location, `"${name}" ended at ${span.until}`, 'delete it, or correct the times')];
}
