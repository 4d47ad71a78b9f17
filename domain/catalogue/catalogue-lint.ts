import type { Config } from '../../schemas/config/config.ts';
import { UNMATCHED } from '../../schemas/config/names.ts';
import type { Matcher } from '../../schemas/alerts/matcher-syntax.ts';
import type { TimeSpan } from '../../schemas/time/time-span.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { didYouMean } from '../runbooks/similar-names.ts';
import type { Problem } from '../runbooks/problem.ts';
import { warningAt, type SourceLocation, errorAt } from '../slo/source-locations.ts';
import { publicComponents } from '../status/pages.ts';
import { configuredEnvironments } from '../freeze/known-names.ts';

/** Locates a part of a file, or its closest existing parent. */
type Locate = (path: readonly PropertyKey[]) => SourceLocation;

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
  const names = Object.keys(services);
  return Object.entries(services).flatMap(([service, { dependsOn }]) =>
    dependsOn.flatMap((name, index) => {
      const location = locate(['services', service, 'dependsOn', index]);
      if (name === service) return [warningAt(location, `${service} depends on itself`)];
      if (names.includes(name)) return [];
      return [
        warningAt(
          location,
          `the catalogue has no service "${name}", a dependency of ${service}`,
          didYouMean(name, names),
        ),
      ];
    }),
  );
}

/**
 * Reports services whose labels equal or extend those of an earlier service: only the earlier one ever receives alerts.
 */
function shadowedMatches(services: Services, locate: Locate): Problem[] {
  const all = Object.entries(services).map(([name, { match = { service: name } }]) => ({
    name,
    labels: Object.entries(match),
  }));
  return all.flatMap(({ name, labels }, index) => {
    const first = all
      .slice(0, index)
      .find((other) =>
        other.labels.every(([label, value]) =>
          labels.some(([ownMatcher, expected]) => ownMatcher === label && expected === value),
        ),
      );
    if (first === undefined) return [];
    return [
      errorAt(
        locate(['services', name, 'match']),
        `every alert that matches ${name} is assigned to ${first.name}, which comes first`,
        'give each service its own labels in "match", or put the more specific one first',
      ),
    ];
  });
}

type RoutesConfig = Pick<Config, 'services' | 'slos' | 'freeze' | 'routes'>;

/** Returns warnings for valid routes: unknown names, unreachable routes, and windows in the past. */
export function lintRoutes(config: RoutesConfig, now: Timestamp, locate: Locate): Problem[] {
  const { routes, maintenance } = config.routes;
  return [
    ...routes.flatMap((route, index) => [
      ...unknownLabels(config, route.matchers, locate(['routes', index]), 'this route matches nothing'),
      ...unreachableRoute(routes, index, locate),
    ]),
    ...maintenance.flatMap((window, index) => [
      ...unknownLabels(config, window.matchers, locate(['maintenance', index]), 'this window applies to nothing'),
      ...pastSpan(window, window.name, now, locate(['maintenance', index])),
    ]),
  ];
}

/** Returns the possible values of labels from the catalogue. Values of other labels are unknown. */
function knownLabelValues(config: RoutesConfig): Readonly<Record<string, { what: string; values: readonly string[] }>> {
  const { services } = config;
  return {
    service: { what: 'service', values: [...Object.keys(services), UNMATCHED] },
    team: { what: 'team', values: Object.values(services).flatMap(({ team }) => team ?? []) },
    environment: { what: 'environment', values: [...configuredEnvironments(config)] },
    severity: { what: 'severity', values: ['critical', 'warning', 'info'] },
  };
}

function unknownLabels(
  config: RoutesConfig,
  matchers: readonly Matcher[],
  location: SourceLocation,
  consequence: string,
): Problem[] {
  if (Object.keys(config.services).length === 0) return [];
  const known = knownLabelValues(config);
  return matchers.flatMap(({ name, value, isRegex, isEqual }) => {
    const label = Object.hasOwn(known, name) ? known[name] : undefined;
    if (label === undefined || isRegex || !isEqual || value === '' || label.values.includes(value)) return [];
    return [
      warningAt(location, `there is no ${label.what} "${value}", so ${consequence}`, didYouMean(value, label.values)),
    ];
  });
}

/** Reports a route if an earlier route without `continue` matches everything that it matches. */
function unreachableRoute(routes: Config['routes']['routes'], index: number, locate: Locate): Problem[] {
  const route = routes[index];
  const first = routes
    .slice(0, index)
    .findIndex(
      (earlier) =>
        !earlier.continue &&
        earlier.hours.length === 0 &&
        earlier.matchers.every((matcher) => route?.matchers.some((ownMatcher) => isSameMatcher(ownMatcher, matcher))),
    );
  if (first === -1) return [];
  const name = routes[first]?.name ?? `route ${first + 1}`;
  return [
    warningAt(
      locate(['routes', index]),
      `this route is unreachable: ${name} matches all of its alerts first`,
      'move this route up, or set "continue: true" in the other one',
    ),
  ];
}

const isSameMatcher = (matcher: Matcher, otherMatcher: Matcher): boolean =>
  matcher.name === otherMatcher.name &&
  matcher.value === otherMatcher.value &&
  matcher.isRegex === otherMatcher.isRegex &&
  matcher.isEqual === otherMatcher.isEqual;

/** Reports calendar freezes in the past. */
export const lintCalendar = ({ freeze }: Pick<Config, 'freeze'>, now: Timestamp, locate: Locate): Problem[] =>
  freeze.calendar.flatMap((entry, index) => pastSpan(entry, entry.name, now, locate(['calendar', index])));

/** Reports a span that has ended. Recurring spans are not checked. */
function pastSpan(span: TimeSpan, name: string, now: Timestamp, location: SourceLocation): Problem[] {
  if (!('until' in span) || span.until > now) return [];
  return [warningAt(location, `"${name}" ended at ${span.until}`, 'delete it, or correct the times')];
}

/** Reports environments of the status page that no service has. */
export function lintStatusPage(
  config: Pick<Config, 'services' | 'slos' | 'freeze' | 'statusPage'>,
  locate: Locate,
): Problem[] {
  const known = configuredEnvironments(config);
  if (Object.keys(config.services).length === 0) return [];
  const environments = config.statusPage.environments.flatMap((name, index) =>
    known.has(name)
      ? []
      : [
          warningAt(
            locate(['environments', index]),
            `no service has an environment "${name}", so the status page never shows it`,
            didYouMean(name, known),
          ),
        ],
  );
  return [...environments, ...unknownComponents(config, locate)];
}

/** Reports components of pages and maintenances that no service has: incidents never affect them. */
function unknownComponents(
  { services, statusPage }: Pick<Config, 'services' | 'statusPage'>,
  locate: Locate,
): Problem[] {
  const known = publicComponents(services);
  const named = [
    ...Object.entries(statusPage.pages ?? {}).flatMap(([page, { components }]) =>
      components.map(({ name }, index) => ({ name, path: ['pages', page, 'components', index] })),
    ),
    ...statusPage.maintenance.flatMap(({ components }, n) =>
      components.map((name, index) => ({ name, path: ['maintenance', n, 'components', index] })),
    ),
  ];
  return named.flatMap(({ name, path }) =>
    known.includes(name)
      ? []
      : [warningAt(locate(path), `no service has the component "${name}"`, didYouMean(name, known))],
  );
}
