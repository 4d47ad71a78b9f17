import type { Config } from '../../schemas/config.ts';
import { serviceEntry } from '../catalogue.ts';
import { didYouMean } from '../runbooks/nearest.ts';
import type { Problem } from '../runbooks/problem.ts';
import { doubtful, type Where } from '../slo/written.ts';

/** Where a part of the file stands: the first of these paths that is there, else what is around it. */
type At = (...paths: (readonly PropertyKey[])[]) => Where;

/** For whom an entry of the file is. Absent: all. */
type Names = {
  services?: readonly string[] | undefined;
  teams?: readonly string[] | undefined;
  environments?: readonly string[] | undefined;
};

/**
 * Names that nobody has: a freeze or a policy under a misspelt one holds nothing, and nobody would find out before it had
 * to. Warnings, since a service may be one to come.
 */
export function lintFreezes(config: Pick<Config, 'freeze' | 'services' | 'slos'>, at: At): Problem[] {
  const { policies, calendar } = config.freeze;
  return [
    ...policies.flatMap(({ match: { service: services, team: teams, environment: environments } }, index) =>
      unknownNames(config, { services, teams, environments }, ['policies', index, 'match'], 'this policy', at),
    ),
    ...calendar.flatMap((entry, index) => unknownNames(config, entry, ['calendar', index], 'this freeze', at)),
  ];
}

function unknownNames(
  { services: catalogue, slos }: Pick<Config, 'services' | 'slos'>,
  { services = [], teams = [], environments = [] }: Names,
  path: readonly PropertyKey[],
  what: string,
  at: At,
): Problem[] {
  const all = Object.keys(catalogue);
  const measured = slos.map(({ service }) => service);
  const teamOf = (service: string): string | null => serviceEntry(catalogue, service)?.team ?? null;
  const concerned = all.filter(
    (service) =>
      (services.length === 0 || services.includes(service)) &&
      (teams.length === 0 || teams.includes(teamOf(service) ?? '')),
  );
  const unknown = (key: string, names: readonly string[], known: Iterable<string>, says: (name: string) => string) => {
    const there = new Set(known);
    return names.flatMap((name, index) =>
      there.has(name)
        ? []
        : [
            doubtful(
              at(
                ...[key, `${key}s`].flatMap((each) => [
                  [...path, each, index],
                  [...path, each],
                ]),
              ),
              `${says(name)}, so ${what} holds nothing by that name`,
              didYouMean(name, there),
            ),
          ],
    );
  };
  return [
    ...unknown('service', services, [...all, ...measured], (name) => `the catalogue has no service "${name}"`),
    ...unknown(
      'team',
      teams,
      all.flatMap((service) => teamOf(service) ?? []),
      (name) => `no service of the catalogue is of a team "${name}"`,
    ),
    ...(haveAny(catalogue, concerned)
      ? []
      : unknown(
          'environment',
          environments,
          environmentsOf(catalogue, slos, concerned),
          (name) => `no service that this is of has an environment "${name}"`,
        )),
  ];
}

/** A service that lists no environments has every one; and of none, nothing can be said. */
const haveAny = (catalogue: Config['services'], services: readonly string[]): boolean =>
  services.every((service) => Object.keys(serviceEntry(catalogue, service)?.environments ?? {}).length === 0);

const environmentsOf = (catalogue: Config['services'], slos: Config['slos'], services: readonly string[]): string[] => [
  ...services.flatMap((service) => Object.keys(serviceEntry(catalogue, service)?.environments ?? {})),
  ...slos.flatMap(({ service, environment }) => (services.includes(service) ? [environment] : [])),
];
