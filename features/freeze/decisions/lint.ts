import type { Config } from '../../../schemas/config/config.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { didYouMean } from '../../../schemas/parsing/similar-names.ts';
import type { Problem } from '../../../core/domain/lint/problem.ts';
import { spanProblems } from '../../../core/domain/catalogue/catalogue-lint.ts';
import { type LintedFile, warningAt, type SourceLocation } from '../../../core/domain/lint/source-locations.ts';

/** Locates the first existing path in the file, or else its closest existing parent. */
type Locate = (...paths: (readonly PropertyKey[])[]) => SourceLocation;

/** Scope of a policy or calendar entry. Absent: no restriction. */
type ScopeNames = {
  services?: readonly string[] | undefined;
  teams?: readonly string[] | undefined;
  environments?: readonly string[] | undefined;
};

/** Returns the warnings about `freeze.yaml`: unknown names, and calendar entries that are over, or recur otherwise than meant. */
export const lintFreezeFile = (
  config: Pick<Config, 'freeze' | 'services' | 'slos'>,
  { locate, has, now }: LintedFile,
): Problem[] => [
  ...config.freeze.calendar.flatMap((entry, index) =>
    spanProblems(entry, entry.name, now, locate(['calendar', index])),
  ),
  ...lintFreezes(config, (...paths) => locate(paths.find(has) ?? paths[0] ?? [])),
];

/**
 * Warns about unknown names in freeze policies and calendar entries: a misspelled scope freezes nothing, which would
 * otherwise go unnoticed until the freeze is needed. These are warnings, because the service may be added later.
 */
function lintFreezes(config: Pick<Config, 'freeze' | 'services' | 'slos'>, locate: Locate): Problem[] {
  const { policies, calendar } = config.freeze;
  return [
    ...policies.flatMap(({ match: { service: services, team: teams, environment: environments } }, index) =>
      unknownNames(config, { services, teams, environments }, ['policies', index, 'match'], 'this policy', locate),
    ),
    ...calendar.flatMap((entry, index) => unknownNames(config, entry, ['calendar', index], 'this freeze', locate)),
  ];
}

function unknownNames(
  { services: catalogue, slos }: Pick<Config, 'services' | 'slos'>,
  { services = [], teams = [], environments = [] }: ScopeNames,
  path: readonly PropertyKey[],
  ruleNoun: string,
  locate: Locate,
): Problem[] {
  const all = Object.keys(catalogue);
  const servicesWithObjectives = slos.map(({ service }) => service);
  const teamOf = (service: string): string | null => serviceEntry(catalogue, service)?.team ?? null;
  const coveredServices = all.filter(
    (service) =>
      (services.length === 0 || services.includes(service)) &&
      (teams.length === 0 || teams.includes(teamOf(service) ?? '')),
  );
  const unknown = (
    key: string,
    names: readonly string[],
    known: Iterable<string>,
    problemOf: (name: string) => string,
  ) => {
    const knownNames = new Set(known);
    return names.flatMap((name, index) =>
      knownNames.has(name)
        ? []
        : [
            warningAt(
              locate(
                ...[key, `${key}s`].flatMap((each) => [
                  [...path, each, index],
                  [...path, each],
                ]),
              ),
              `${problemOf(name)}, so ${ruleNoun} does not apply to it`,
              didYouMean(name, knownNames),
            ),
          ],
    );
  };
  return [
    ...unknown(
      'service',
      services,
      [...all, ...servicesWithObjectives],
      (name) => `the catalogue has no service "${name}"`,
    ),
    ...unknown(
      'team',
      teams,
      all.flatMap((service) => teamOf(service) ?? []),
      (name) => `no service in the catalogue belongs to a team "${name}"`,
    ),
    ...(acceptAnyEnvironment(catalogue, coveredServices)
      ? []
      : unknown(
          'environment',
          environments,
          environmentsOf(catalogue, slos, coveredServices),
          (name) => `none of its services has an environment "${name}"`,
        )),
  ];
}

/**
 * Returns whether all of these services accept any environment, as a service without listed environments does. True for an
 * empty list, for which nothing can be checked.
 */
const acceptAnyEnvironment = (catalogue: Config['services'], services: readonly string[]): boolean =>
  services.every((service) => Object.keys(serviceEntry(catalogue, service)?.environments ?? {}).length === 0);

const environmentsOf = (catalogue: Config['services'], slos: Config['slos'], services: readonly string[]): string[] => [
  ...services.flatMap((service) => Object.keys(serviceEntry(catalogue, service)?.environments ?? {})),
  ...slos.flatMap(({ service, environment }) => (services.includes(service) ? [environment] : [])),
];
