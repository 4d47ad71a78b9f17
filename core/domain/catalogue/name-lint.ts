import type { NamedScope } from '../../../features/feature-names.ts';
import { featureScopes } from '../../../features/names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { UNMATCHED } from '../../../schemas/config/names.ts';
import { suggester } from '../../../schemas/parsing/similar-names.ts';
import type { Problem } from '../lint/problem.ts';
import { warningAt, type SourceLocation } from '../lint/source-locations.ts';

/** Locates a part of a file, or its closest existing parent. */
type Locate = (path: readonly PropertyKey[]) => SourceLocation;

type Path = readonly PropertyKey[];

/** A name in a file, with its location. */
type LocatedName = { name: string; path: Path };

type Catalogue = Pick<Config, 'services'>;

/*
 * Checks for unknown names in people.yaml and response.yaml: an entry with a misspelled name receives no calls or
 * notifications, which would otherwise go unnoticed until they are needed. These are warnings, because the service may
 * be added later.
 */

export function lintPeople({ people: file, services }: Catalogue & Pick<Config, 'people'>, locate: Locate): Problem[] {
  const teamNames = (list: 'people' | 'userGroups'): LocatedName[] =>
    Object.entries(file[list]).flatMap(([id, { teams }]) => locatedNames(teams, [list, id, 'teams']));
  const roles = Object.entries(file.roles);
  return [
    ...unknownTeams([...teamNames('people'), ...teamNames('userGroups')], services, locate, 'the entry has no effect'),
    ...unknownTeams(
      Object.keys(file.onCall).map((name) => ({ name, path: ['onCall', name] })),
      services,
      locate,
      'its on-call rota is never used',
    ),
    ...unknownServices(
      roles.flatMap(([id, role]) =>
        Array.isArray(role.services) ? locatedNames(role.services, ['roles', id, 'services']) : [],
      ),
      services,
      locate,
      'this part of the role has no effect',
    ),
    ...unknownEnvironments(
      roles.flatMap(([id, { environments }]) => locatedNames(environments ?? [], ['roles', id, 'environments'])),
      services,
      locate,
    ),
  ];
}

export function lintResponse(
  { response: file, services, paging }: Catalogue & Pick<Config, 'response' | 'paging'>,
  locate: Locate,
): Problem[] {
  const webhooks = file.webhooks.map(({ services: names }, index) => ({ path: ['webhooks', index], services: names }));
  const scopes: NamedScope[] = [...webhooks, ...featureScopes(file)];
  const consequence = 'nothing is sent for it';
  const named = scopes.flatMap((one) => locatedNames(one.services ?? [], [...one.path, 'services']));
  const teams = scopes.flatMap((one) => locatedNames(one.teams ?? [], [...one.path, 'teams']));
  const lacksFallback = file.escalation?.how === 'fallback' && paging.fallback === undefined;
  return [
    ...unknownServices(named, services, locate, consequence, [UNMATCHED]),
    ...unknownTeams(teams, services, locate, consequence),
    ...(lacksFallback
      ? [
          warningAt(
            locate(['escalation', 'how']),
            'paging.yaml has no "fallback", so the pager is used again instead',
            'how: page-again',
          ),
        ]
      : []),
  ];
}

const locatedNames = (names: readonly string[], path: Path): LocatedName[] =>
  names.map((name, index) => ({ name, path: [...path, index] }));

const unknownServices = (
  all: readonly LocatedName[],
  services: Config['services'],
  locate: Locate,
  consequence: string,
  alsoKnown: readonly string[] = [],
): Problem[] =>
  unknownNames(
    all,
    [...Object.keys(services), ...alsoKnown],
    locate,
    (name) => `the catalogue has no service "${name}", so ${consequence}`,
  );

const unknownTeams = (
  all: readonly LocatedName[],
  services: Config['services'],
  locate: Locate,
  consequence: string,
): Problem[] =>
  unknownNames(
    all,
    Object.values(services).flatMap(({ team }) => team ?? []),
    locate,
    (name) => `no service in the catalogue belongs to a team "${name}", so ${consequence}`,
  );

/** A service without listed environments accepts any environment. */
function unknownEnvironments(all: readonly LocatedName[], services: Config['services'], locate: Locate): Problem[] {
  const listed = Object.values(services).map(({ environments }) => Object.keys(environments));
  if (listed.length === 0 || listed.some((names) => names.length === 0)) return [];
  return unknownNames(
    all,
    listed.flat(),
    locate,
    (name) => `no service in the catalogue has an environment "${name}", so this part of the role has no effect`,
  );
}

function unknownNames(
  all: readonly LocatedName[],
  known: readonly string[],
  locate: Locate,
  problemOf: (name: string) => string,
): Problem[] {
  const knownNames = new Set(known);
  const suggestionFor = suggester(knownNames);
  return all
    .filter(({ name }) => !knownNames.has(name))
    .map(({ name, path }) => warningAt(locate(path), problemOf(name), suggestionFor(name)));
}
