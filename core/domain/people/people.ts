import type { Action, Principal } from '../../../schemas/access/access.ts';
import type { SignedIn } from '../../../schemas/access/session.ts';
import {
  type PeopleFile,
  type Person,
  PersonId,
  type Role,
  type RoleName,
  ROLES,
} from '../../../schemas/people/people.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { authorize, type Scope } from '../access/access.ts';

/** A Slack user. */
export type SlackUser = {
  id: string;
  /** Workspace of the user, which can be another company's in a shared channel. */
  team: string;
  /** Email address verified by Slack. Null: unknown, or the app may not read it. */
  email: string | null;
  name: string | null;
  /** User groups of the user that `people.yaml` names. */
  groups: readonly string[];
  /** `guest`: has access to a part of the workspace. `outsider`: belongs to another company, or is a bot. */
  kind: 'member' | 'guest' | 'outsider';
};

/**
 * A person who acts, with all permissions. Grants differ in actions and scopes; one that allows is enough. `name` is
 * used in decisions and on timelines, and distinguishes a second person from the first.
 */
export type Actor = {
  name: string;
  shown: string;
  person: PersonId | null;
  teams: readonly string[];
  grants: Principal[];
};

export type ActorResult = { ok: true; actor: Actor } | { ok: false; because: string };

/** The required part of the configuration. Of the catalogue, only the teams of services matter. */
export type PeopleConfig = { people: PeopleFile; services: Readonly<Record<string, { team?: string | undefined }>> };

/** Returns the actor for a Slack user. */
export function actorOf({ people: file, services }: PeopleConfig, user: SlackUser): ActorResult {
  const person = personOf(file, user);
  if (person === undefined && user.kind !== 'member')
    return notFound(
      `${user.name ?? user.id} is ${user.kind === 'guest' ? 'a guest' : 'not a member'} of this workspace, and is not listed in people.yaml`,
    );
  const groups = user.groups.flatMap((id) => file.userGroups[id] ?? []);
  const ownServices = person?.[1].roles ?? (file.everyone === 'nobody' ? [] : [file.everyone]);
  const actor = actorWith({ people: file, services }, person, {
    name: `slack:${user.id}`,
    shown: user.name,
    groups: [{ roles: ownServices, teams: [] }, ...groups],
  });
  return actor === undefined
    ? notFound(`${user.name ?? user.id} is not listed in people.yaml, which has "everyone: nobody"`)
    : { ok: true, actor };
}

/**
 * Returns the actor for a person who is signed in by an identity provider. `everyone` does not apply: it is about members of
 * the Slack workspace, and an identity provider may sign in anyone.
 */
export function actorOfSignedIn(config: PeopleConfig, { issuer, subject, email, name, groups }: SignedIn): ActorResult {
  const { signIn } = config.people;
  const shown = email ?? name ?? subject;
  if (signIn?.issuer !== issuer) return notFound(`people.yaml no longer names the identity provider ${issuer}`);
  const person = email === null ? undefined : personByEmail(config.people, email);
  const actor = actorWith(config, person, {
    name: `oidc:${email ?? subject}`,
    shown: name ?? email,
    groups: [
      { roles: person?.[1].roles ?? [], teams: [] },
      ...groups.flatMap((group) => (Object.hasOwn(signIn.groups, group) ? (signIn.groups[group] ?? []) : [])),
    ],
  });
  return actor === undefined
    ? notFound(`${shown} is not listed in people.yaml, and is in no group that has a role there (signIn.groups)`)
    : { ok: true, actor };
}

/** Returns the actor with the roles and teams of the groups. Undefined: there is no role. */
function actorWith(
  { people: file, services }: PeopleConfig,
  person: readonly [PersonId, Person] | undefined,
  identity: {
    name: string;
    shown: string | null;
    groups: readonly { roles: readonly RoleName[]; teams: readonly string[] }[];
  },
): Actor | undefined {
  const { groups } = identity;
  const name = person?.[0] ?? identity.name;
  const roles = [...new Set(groups.flatMap((group) => group.roles))];
  if (roles.length === 0) return undefined;
  const teams = [...new Set([...(person?.[1].teams ?? []), ...groups.flatMap((group) => group.teams)])];
  const grants = roles.flatMap((role) => grantOf(file, services, role, name, teams) ?? []);
  const shown = person?.[1].name ?? identity.shown ?? name;
  return { name, shown, person: person?.[0] ?? null, teams, grants };
}

/** Finds a person by ID, else by an email address that Slack has verified. */
function personOf(file: PeopleFile, { id, email, kind }: SlackUser): [PersonId, Person] | undefined {
  const byId = listedPeople(file).find(([, { slack }]) => slack === id);
  // Other companies control their users' email addresses themselves.
  if (byId !== undefined || email === null || kind === 'outsider') return byId;
  const byEmail = personByEmail(file, email);
  return byEmail?.[1].slack === undefined ? byEmail : undefined;
}

/** No two people have the same email address. */
const personByEmail = (file: PeopleFile, email: string): [PersonId, Person] | undefined =>
  listedPeople(file).find(([, person]) => person.email?.toLowerCase() === email.toLowerCase());

const listedPeople = ({ people }: PeopleFile): [PersonId, Person][] =>
  Object.entries(people).map(([id, person]) => [PersonId.parse(id), person]);

const notFound = (because: string): ActorResult => ({ ok: false, because });

const roleOf = ({ roles }: PeopleFile, name: RoleName): Role | undefined =>
  Object.hasOwn(roles, name) ? roles[name] : Object.hasOwn(ROLES, name) ? ROLES[name as keyof typeof ROLES] : undefined;

function grantOf(
  file: PeopleFile,
  services: PeopleConfig['services'],
  roleName: RoleName,
  name: string,
  teams: readonly string[],
): Principal | undefined {
  const role = roleOf(file, roleName);
  if (role === undefined) return undefined;
  const isOwnTeam = (team: string | undefined) => team !== undefined && teams.includes(team);
  const ownServices = () =>
    Object.entries(services).flatMap(([service, entry]) => (isOwnTeam(entry.team) ? [service] : []));
  return {
    name,
    actions: role.actions,
    sources: null,
    services: role.services === undefined ? null : role.services === 'own' ? ownServices() : role.services,
    environments: role.environments ?? null,
    expires_at: null,
  };
}

/** Returns whether any grant allows the action; otherwise the refusal of the last one. */
export function actorMay(
  actor: Pick<Actor, 'name' | 'grants'>,
  action: Action,
  scope: Scope,
  now: Timestamp,
): ReturnType<typeof authorize> {
  let answer: ReturnType<typeof authorize> = { allowed: false, because: `${actor.name} has no role` };
  for (const grant of actor.grants) {
    answer = authorize(grant, action, scope, now);
    if (answer.allowed) return answer;
  }
  return answer;
}

/** Maximum number of people to suggest after a refusal. */
const CONTACTS_MAX = 5;

/** Whom to ask: a Slack user or user group by ID, or a name. */
export type Contact = { user: string } | { group: string } | string;

/**
 * Returns whom to ask for an action: people with the permission, the service's team first, and user groups with the
 * permission.
 */
export function contactsFor(config: PeopleConfig, action: Action, scope: Scope, now: Timestamp): Contact[] {
  const { people: file, services } = config;
  const service = typeof scope.service === 'string' && Object.hasOwn(services, scope.service) ? scope.service : null;
  const team = service === null ? undefined : services[service]?.team;
  const may = (roles: readonly RoleName[], teams: readonly string[]) =>
    rolesMay(config, { roles, teams }, action, scope, now);
  const people = Object.entries(file.people)
    .filter(([, { roles, teams }]) => may(roles, teams))
    .toSorted(([, a], [, b]) => Number(isInTeam(b, team)) - Number(isInTeam(a, team)))
    .map(([id, person]): Contact => (person.slack === undefined ? (person.name ?? id) : { user: person.slack }));
  const groups = Object.entries(file.userGroups)
    .filter(([, { roles, teams }]) => may(roles, teams))
    .map(([id]): Contact => ({ group: id }));
  return [...people.slice(0, CONTACTS_MAX), ...groups.slice(0, CONTACTS_MAX)];
}

/** Returns whether full members who are not listed have the permission. */
export function everyoneMay(config: PeopleConfig, action: Action, scope: Scope, now: Timestamp): boolean {
  const { everyone } = config.people;
  return everyone !== 'nobody' && rolesMay(config, { roles: [everyone], teams: [] }, action, scope, now);
}

/**
 * Returns whether a listed person may have the permission, as far as people.yaml determines it: membership in user
 * groups is known only to Slack, so any is assumed.
 */
export function listedMay(
  config: PeopleConfig,
  person: RolesAndTeams,
  action: Action,
  scope: Scope,
  now: Timestamp,
): boolean {
  const all = [person, ...Object.values(config.people.userGroups)];
  const rolesAndTeams = { roles: all.flatMap(({ roles }) => roles), teams: all.flatMap(({ teams }) => teams) };
  return rolesMay(config, rolesAndTeams, action, scope, now);
}

type RolesAndTeams = { roles: readonly RoleName[]; teams: readonly string[] };

const rolesMay = (
  { people, services }: PeopleConfig,
  { roles, teams }: RolesAndTeams,
  action: Action,
  scope: Scope,
  now: Timestamp,
) =>
  roles.some((role) => {
    const grant = grantOf(people, services, role, 'any person', teams);
    return grant !== undefined && authorize(grant, action, scope, now).allowed;
  });

const isInTeam = ({ teams }: Person, team: string | undefined): boolean => team !== undefined && teams.includes(team);
