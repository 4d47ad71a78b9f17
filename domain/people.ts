import type { Action, Principal } from '../schemas/access.ts';
import { type PeopleFile, type Person, PersonId, type Role, type RoleName, ROLES } from '../schemas/people.ts';
import type { Timestamp } from '../schemas/time.ts';
import { authorize, type Scope } from './access.ts';

/** Somebody as Slack knows them. */
export type SlackUser = {
  id: string;
  /** The workspace that they belong to, which in a shared channel may be another company's. */
  team: string;
  /** Verified by Slack. Null: not known, or the app may not read it. */
  email: string | null;
  name: string | null;
  /** User groups that they are in, as far as `people.yaml` names them. */
  groups: readonly string[];
  /** `guest`: of a part of the workspace only. `outsider`: of another company, or a robot. */
  kind: 'member' | 'guest' | 'outsider';
};

/**
 * Whoever acts, with all that they may do. Grants differ in what they are for and where; one that allows is enough.
 * `name` stands in decisions and on timelines, and tells a second person from the first.
 */
export type Actor = {
  name: string;
  shown: string;
  person: PersonId | null;
  teams: readonly string[];
  grants: Principal[];
};

export type Found = { ok: true; actor: Actor } | { ok: false; because: string };

/** Of the configuration. Whose service is whose is all that counts of the catalogue. */
export type Known = { people: PeopleFile; services: Readonly<Record<string, { team?: string | undefined }>> };

/** Who a user of Slack is here. */
export function actorOf({ people: file, services }: Known, user: SlackUser): Found {
  const person = personOf(file, user);
  const name = person?.[0] ?? `slack:${user.id}`;
  if (person === undefined && user.kind !== 'member')
    return no(
      `${user.name ?? user.id} is ${user.kind === 'guest' ? 'a guest' : 'not a member'} of this workspace; whoever is to act here is listed in people.yaml`,
    );
  const groups = user.groups.flatMap((id) => file.userGroups[id] ?? []);
  const own = person?.[1].roles ?? (file.everyone === 'nobody' ? [] : [file.everyone]);
  const roles = [...new Set([...own, ...groups.flatMap((group) => group.roles)])];
  if (roles.length === 0)
    return no(`${user.name ?? user.id} is not listed in people.yaml, and everyone else is nobody there`);
  const teams = [...new Set([...(person?.[1].teams ?? []), ...groups.flatMap((group) => group.teams)])];
  const grants = roles.flatMap((role) => grantOf(file, services, role, name, teams) ?? []);
  const shown = person?.[1].name ?? user.name ?? name;
  return { ok: true, actor: { name, shown, person: person?.[0] ?? null, teams, grants } };
}

/** By id, else by an address that Slack has verified. */
function personOf({ people }: PeopleFile, { id, email, kind }: SlackUser): [PersonId, Person] | undefined {
  const all = Object.entries(people).map(([key, person]): [PersonId, Person] => [PersonId.parse(key), person]);
  const byId = all.find(([, { slack }]) => slack === id);
  // Another company decides itself what its people's addresses are.
  if (byId !== undefined || email === null || kind === 'outsider') return byId;
  return all.find(([, person]) => person.slack === undefined && person.email?.toLowerCase() === email.toLowerCase());
}

const no = (because: string): Found => ({ ok: false, because });

const roleOf = ({ roles }: PeopleFile, name: RoleName): Role | undefined =>
  Object.hasOwn(roles, name) ? roles[name] : Object.hasOwn(ROLES, name) ? ROLES[name as keyof typeof ROLES] : undefined;

function grantOf(
  file: PeopleFile,
  services: Known['services'],
  roleName: RoleName,
  name: string,
  teams: readonly string[],
): Principal | undefined {
  const role = roleOf(file, roleName);
  if (role === undefined) return undefined;
  const of = (team: string | undefined) => team !== undefined && teams.includes(team);
  const own = () => Object.entries(services).flatMap(([service, entry]) => (of(entry.team) ? [service] : []));
  return {
    name,
    actions: role.actions,
    sources: null,
    services: role.services === undefined ? null : role.services === 'own' ? own() : role.services,
    environments: role.environments ?? null,
    expires_at: null,
  };
}

/** Allowed by one of what they were given; else why not by the last of them. */
export function actorMay(actor: Actor, action: Action, scope: Scope, now: Timestamp): ReturnType<typeof authorize> {
  let answer: ReturnType<typeof authorize> = { allowed: false, because: `${actor.name} may nothing here` };
  for (const grant of actor.grants) {
    answer = authorize(grant, action, scope, now);
    if (answer.allowed) return answer;
  }
  return answer;
}

/** At most so many people are named to whoever may not do something. */
const NAMED_MAX = 5;

/** Somebody to be asked: a user or a user group of Slack by id, or a name. */
export type Asked = { user: string } | { group: string } | string;

/** Whom to ask instead: people who may, those of the service's team first, and user groups of those who may. */
export function whoMay(known: Known, action: Action, scope: Scope, now: Timestamp): Asked[] {
  const { people: file, services } = known;
  const service = typeof scope.service === 'string' && Object.hasOwn(services, scope.service) ? scope.service : null;
  const team = service === null ? undefined : services[service]?.team;
  const may = (roles: readonly RoleName[], teams: readonly string[]) =>
    rolesMay(known, { roles, teams }, action, scope, now);
  const people = Object.entries(file.people)
    .filter(([, { roles, teams }]) => may(roles, teams))
    .toSorted(([, a], [, b]) => Number(isIn(b, team)) - Number(isIn(a, team)))
    .map(([id, person]): Asked => (person.slack === undefined ? (person.name ?? id) : { user: person.slack }));
  const groups = Object.entries(file.userGroups)
    .filter(([, { roles, teams }]) => may(roles, teams))
    .map(([id]): Asked => ({ group: id }));
  return [...people.slice(0, NAMED_MAX), ...groups.slice(0, NAMED_MAX)];
}

/** Whether full members who are not listed may. */
export function everyoneMay(known: Known, action: Action, scope: Scope, now: Timestamp): boolean {
  const { everyone } = known.people;
  return everyone !== 'nobody' && rolesMay(known, { roles: [everyone], teams: [] }, action, scope, now);
}

/**
 * Whether somebody who is listed may, as far as people.yaml tells: who is in a user group Slack alone knows, so they may
 * be in any.
 */
export function listedMay(known: Known, person: Given, action: Action, scope: Scope, now: Timestamp): boolean {
  const all = [person, ...Object.values(known.people.userGroups)];
  const given = { roles: all.flatMap(({ roles }) => roles), teams: all.flatMap(({ teams }) => teams) };
  return rolesMay(known, given, action, scope, now);
}

type Given = { roles: readonly RoleName[]; teams: readonly string[] };

const rolesMay = ({ people, services }: Known, { roles, teams }: Given, action: Action, scope: Scope, now: Timestamp) =>
  roles.some((role) => {
    const grant = grantOf(people, services, role, 'somebody', teams);
    return grant !== undefined && authorize(grant, action, scope, now).allowed;
  });

const isIn = ({ teams }: Person, team: string | undefined): boolean => team !== undefined && teams.includes(team);
