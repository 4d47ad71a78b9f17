import type { Config } from '../../schemas/config/config.ts';
import { UNMATCHED } from '../../schemas/config/names.ts';
import { didYouMean } from '../runbooks/similar-names.ts';
import type { Problem } from '../runbooks/problem.ts';
import { warningAt, type SourceLocation } from '../slo/source-locations.ts';

/** Locates a part of a file, or its closest existing parent. */
type At = (path: readonly PropertyKey[]) => SourceLocation;

type Path = readonly PropertyKey[];

/** A name in a file, with its location. */
type Written = { name: string; path: Path };

type Catalogue = Pick<Config, 'services'>;

/*
 * Checks for unknown names in people.yaml and response.yaml: an entry with a misspelled name receives no calls or
 * notifications, which would otherwise go unnoticed until they are needed. These are warnings, because the service may
 * be added later.
 */

export function lintPeople({ people: file, services }: Catalogue & Pick<Config, 'people'>, at: At): Problem[] {
  const ofTeams = (list: 'people' | 'userGroups'): Written[] =>
    Object.entries(file[list]).flatMap(([id, { teams }]) => each(teams, [list, id, 'teams']));
  const roles = Object.entries(file.roles);
  return [
    ...noTeam([...ofTeams('people'), ...ofTeams('userGroups')], services, at, 'the entry has no effect'),
    ...noTeam(
      Object.keys(file.onCall).map((name) => ({ name, path: ['onCall', name] })),
      services,
      at,
      'its on-call rota is never used',
    ),
    ...noService(
      roles.flatMap(([id, role]) =>
        Array.isArray(role.services) ? each(role.services, ['roles', id, 'services']) : [],
      ),
      services,
      at,
      'this part of the role has no effect',
    ),
    ...noEnvironment(
      roles.flatMap(([id, { environments }]) => each(environments ?? [], ['roles', id, 'environments'])),
      services,
      at,
    ),
  ];
}

export function lintResponse(
  { response: file, services, paging }: Catalogue & Pick<Config, 'response' | 'paging'>,
  at: At,
): Problem[] {
  const lists = [
    ...file.webhooks.map((entry, n) => ({ entry, path: ['webhooks', n] })),
    ...file.stakeholders.map((entry, n) => ({ entry, path: ['stakeholders', n] })),
  ];
  const so = 'nothing is sent for it';
  const named = lists.flatMap(({ entry, path }) => each(entry.services ?? [], [...path, 'services']));
  const teams = file.stakeholders.flatMap((entry, n) => each(entry.teams ?? [], ['stakeholders', n, 'teams']));
  const digests = Object.keys(file.teamDigests?.teams ?? {}).map((name) => ({
    name,
    path: ['teamDigests', 'teams', name],
  }));
  const noRoute = file.escalation?.how === 'fallback' && paging.fallback === undefined;
  return [
    ...noService(named, services, at, so, [UNMATCHED]),
    ...noTeam(teams, services, at, so),
    ...noTeam(digests, services, at, 'its digest is empty'),
    ...(noRoute
      ? [
          warningAt(
            at(['escalation', 'how']),
            'paging.yaml has no "fallback", so the pager is used again instead',
            'how: page-again',
          ),
        ]
      : []),
  ];
}

const each = (names: readonly string[], path: Path): Written[] =>
  names.map((name, index) => ({ name, path: [...path, index] }));

const noService = (
  all: readonly Written[],
  services: Config['services'],
  at: At,
  so: string,
  more: readonly string[] = [],
): Problem[] =>
  unknown(all, [...Object.keys(services), ...more], at, (name) => `the catalogue has no service "${name}", so ${so}`);

const noTeam = (all: readonly Written[], services: Config['services'], at: At, so: string): Problem[] =>
  unknown(
    all,
    Object.values(services).flatMap(({ team }) => team ?? []),
    at,
    (name) => `no service in the catalogue belongs to a team "${name}", so ${so}`,
  );

/** A service without listed environments accepts any environment. */
function noEnvironment(all: readonly Written[], services: Config['services'], at: At): Problem[] {
  const listed = Object.values(services).map(({ environments }) => Object.keys(environments));
  if (listed.length === 0 || listed.some((names) => names.length === 0)) return [];
  return unknown(
    all,
    listed.flat(),
    at,
    (name) => `no service in the catalogue has an environment "${name}", so this part of the role has no effect`,
  );
}

function unknown(
  all: readonly Written[],
  known: readonly string[],
  at: At,
  problemOf: (name: string) => string,
): Problem[] {
  const there = new Set(known);
  return all
    .filter(({ name }) => !there.has(name))
    .map(({ name, path }) => warningAt(at(path), problemOf(name), didYouMean(name, there)));
}
