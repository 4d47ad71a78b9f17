import { FEATURE_DECIDING } from '../../../features/names.ts';
import { sources } from '../../../schemas/alerts/sources/index.ts';
import type { Action, TokenRecord } from '../../../schemas/access/access.ts';
import type { PeopleFile } from '../../../schemas/people/people.ts';

/**
 * Returns a key that is equal for names that readers cannot distinguish: case, width, Unicode composition, blanks, and
 * invisible characters are ignored. Lookalike letters of other scripts remain distinct.
 */
export const nameKey = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll(/[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');

/** Returns whether two names refer to the same actor, for decisions that require a second actor. */
export const isSameActor = (name: string, otherName: string): boolean => nameKey(name) === nameKey(otherName);

/** Principal of the first token, which creates the tokens of people. */
const ADMIN = 'admin';

const NAME_WITH_CREATOR = /^.+ \(token of (.+)\)$/s;

/**
 * Returns the name under which a token acts. A token created by the admin token represents the person or system that it
 * is named after. Any other token's name includes its creator, so that the name of a token cannot impersonate
 * another person.
 */
export function actorNameOf({ name, created_by }: Pick<TokenRecord, 'name' | 'created_by'>): string {
  const creator = personBehind(created_by);
  return created_by === ADMIN || isSameActor(creator, name) ? name : `${name} (token of ${creator})`;
}

/** Returns the person, or the token created by the admin, that is responsible for actions under this name. */
export const personBehind = (name: string): string => NAME_WITH_CREATOR.exec(name)?.[1] ?? name;

/** Returns whether two names count as one person where a second person is required. */
export const isSamePerson = (name: string, otherName: string): boolean =>
  isSameActor(personBehind(name), personBehind(otherName));

/**
 * Returns why `by` may not create a token with this name if it belongs to a person in people.yaml. `forbidden`: others
 * may create it. Undefined: the name belongs to no person, or `by` may use it.
 */
export function whyReservedForPerson(
  name: string,
  { people }: Pick<PeopleFile, 'people'>,
  by: string,
): { text: string; forbidden: boolean } | undefined {
  const quotedName = JSON.stringify(name);
  const id = Object.keys(people).find((personId) => isSameActor(personId, name));
  if (id !== undefined) {
    if (by === ADMIN || isSamePerson(by, id)) return undefined;
    return {
      text: `${quotedName} is a person in people.yaml: only the admin token or a token of ${id} can create a token with this name`,
      forbidden: true,
    };
  }
  const personWithAlias = Object.entries(people).find(([, person]) =>
    [person.name, person.email, person.slack, person.pagerduty].some(
      (alias) => alias !== undefined && isSameActor(alias, name),
    ),
  );
  if (personWithAlias === undefined) return undefined;
  return {
    text: `${quotedName} is ${personWithAlias[0]} in people.yaml: name the token ${JSON.stringify(personWithAlias[0])}, so that both count as one person`,
    forbidden: false,
  };
}

/** Names under which Firebreak records its own actions and those of its own tokens. */
const FIREBREAK_ACTORS = new Set([
  'admin',
  'ingest',
  'firebreak',
  'evaluation',
  'calendar',
  'alerts',
  'system',
  'unknown',
]);

/** Senders that have no token, or whose name represents the messages that they send with one. */
const SENDERS = new Set([
  ...[...sources.keys()].filter((name) => name !== 'generic'),
  'prometheus',
  'flagger',
  'github',
  'pagerduty',
  'slack',
  'statuspage',
]);

/** Prefixes of recorded actors, such as `github:acme/shop (ada)`. */
const RECORDED_ACTOR = /^(firebreak|github|slack|pagerduty|oidc|person|incident):/;

/** Returns why a name is reserved and what to do; undefined: it is not reserved. */
export function whyReserved(name: string, actions: readonly string[]): string | undefined {
  const key = nameKey(name);
  if (key === '') return `${JSON.stringify(name)} contains no visible characters; name the user of the token`;
  if (key.includes('(tokenof'))
    return `"(token of …)" is reserved: Firebreak adds it to show the creator of a token; name only the user of the token`;
  if (FIREBREAK_ACTORS.has(key) || RECORDED_ACTOR.test(key))
    return `${JSON.stringify(key)} is reserved for records of Firebreak's own actions; name the user of the token`;
  if (SENDERS.has(key) && mayDecide(actions))
    return `${JSON.stringify(key)} is the name of a sender, but this token may also make decisions; name the user of the token`;
  return undefined;
}

/** Actions that make decisions, which are recorded under the actor's name. */
const CORE_DECIDING_ACTIONS: readonly (Action | '*')[] = [
  '*',
  'incidents:write',
  'incidents:act',
  'automation:write',
  'versions:write',
  'slos:write',
  'freezes:write',
  'freezes:override',
  'tokens:write',
  'quarantine:replay',
];

const DECIDING_ACTIONS: ReadonlySet<string> = new Set([...CORE_DECIDING_ACTIONS, ...FEATURE_DECIDING]);

/**
 * Returns whether a token with these actions needs a unique name. Tokens of senders, CI systems, and readers do not: a
 * new token replaces an old one under the same name.
 */
export const mayDecide = (actions: readonly string[]): boolean =>
  actions.some((action) => DECIDING_ACTIONS.has(action));

/**
 * Thrown if an active token has the same name and either of the two may decide: audit records could not distinguish
 * them.
 */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';

  constructor(called: string, holder: { id: string; name: string }) {
    super(
      `${JSON.stringify(called)} is the name of the token ${holder.id}` +
        `${holder.name === called ? '' : ` (${JSON.stringify(holder.name)}, which looks the same)`}, and audit records could ` +
        `not distinguish the two; choose another name, or revoke ${holder.id} first`,
    );
  }
}
