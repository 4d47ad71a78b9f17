import type { Action, TokenRecord } from '../schemas/access.ts';
import type { PeopleFile } from '../schemas/people.ts';

/**
 * What two names have in common that no reader can tell apart: case, width, composed or not, blanks anywhere, and what
 * is not seen at all make no other name. Letters of another script that look alike do.
 */
export const nameKey = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll(/[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');

/** Whether two names are of one and the same, where somebody else is asked for. */
export const isSameActor = (one: string, other: string): boolean => nameKey(one) === nameKey(other);

/** The principal of the first token, which creates the tokens of people. */
const ADMIN = 'admin';

const CREATED_BY = /^.+ \(token of (.+)\)$/s;

/**
 * The name under which a token acts. One that the admin token created stands for whoever it is named after. Any other says
 * who created it, so that nobody can act as somebody else by a token that they name so.
 */
export function actsAs({ name, created_by }: Pick<TokenRecord, 'name' | 'created_by'>): string {
  const creator = personBehind(created_by);
  return created_by === ADMIN || isSameActor(creator, name) ? name : `${name} (token of ${creator})`;
}

/** The person, or the token of the admin's, who is responsible for what is done under this name. */
export const personBehind = (name: string): string => CREATED_BY.exec(name)?.[1] ?? name;

/** Whether two names count as one person where a second person is asked for. */
export const isSamePerson = (one: string, other: string): boolean =>
  isSameActor(personBehind(one), personBehind(other));

/**
 * Why `by` may not give this name to a token, where it is the name of somebody in people.yaml. `forbidden`: others may.
 * Undefined: it is nobody's, or they may.
 */
export function whyOfPerson(
  name: string,
  { people }: Pick<PeopleFile, 'people'>,
  by: string,
): { text: string; forbidden: boolean } | undefined {
  const called = JSON.stringify(name);
  const id = Object.keys(people).find((one) => isSameActor(one, name));
  if (id !== undefined) {
    if (by === ADMIN || isSamePerson(by, id)) return undefined;
    return {
      text: `${called} is a person in people.yaml: only the admin token, or a token of ${id}, can create a token with this name`,
      forbidden: true,
    };
  }
  const found = Object.entries(people).find(([, person]) =>
    [person.name, person.email, person.slack, person.pagerduty].some(
      (own) => own !== undefined && isSameActor(own, name),
    ),
  );
  if (found === undefined) return undefined;
  return {
    text: `${called} is ${found[0]} in people.yaml: name the token ${JSON.stringify(found[0])}, so that both count as one person`,
    forbidden: false,
  };
}

/** By these Firebreak says on record what it does itself, and what its own tokens do. */
const OWN = new Set(['admin', 'ingest', 'firebreak', 'evaluation', 'calendar', 'alerts', 'system', 'unknown']);

/** Senders that have no token, or whose name stands for what they say by way of one. */
const SENDERS = new Set([
  'alertmanager',
  'grafana',
  'prometheus',
  'flagger',
  'github',
  'pagerduty',
  'slack',
  'statuspage',
]);

/** As `github:acme/shop (ada)`. */
const PREFIX = /^(firebreak|github|slack|pagerduty|person|incident):/;

/** Why nobody can be called that, and what to do; undefined: it is a name like any other. */
export function whyReserved(name: string, actions: readonly string[]): string | undefined {
  const key = nameKey(name);
  if (key === '') return `${JSON.stringify(name)} has nothing in it that can be read; name whoever uses the token`;
  if (key.includes('(tokenof'))
    return `"(token of …)" is how Firebreak says who created a token; name whoever uses it without that`;
  if (OWN.has(key) || PREFIX.test(key))
    return `Firebreak says ${JSON.stringify(key)} on record of what it does itself; name whoever uses the token`;
  if (SENDERS.has(key) && decides(actions))
    return `${JSON.stringify(key)} is the name of a sender, and this token may decide things, too; name whoever uses it`;
  return undefined;
}

/** What is decided, and stands on record under the name of whoever did. */
const DECIDES: ReadonlySet<string> = new Set<Action | '*'>([
  '*',
  'incidents:write',
  'incidents:act',
  'automation:write',
  'versions:write',
  'freezes:write',
  'freezes:override',
  'tokens:write',
  'quarantine:replay',
]);

/**
 * Whether its name has to be its own. Those of senders, CI systems and readers need not be: a new one takes the place of
 * an old one under the same name.
 */
export const decides = (actions: readonly string[]): boolean => actions.some((action) => DECIDES.has(action));

/** An active token has this name, and one of the two decides: on record nobody could tell them apart. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';

  constructor(called: string, holder: { id: string; name: string }) {
    super(
      `${JSON.stringify(called)} is the name of the token ${holder.id}` +
        `${holder.name === called ? '' : ` (${JSON.stringify(holder.name)}, which reads the same)`}, and what either of ` +
        `them decides would be on record under it; choose another name, or revoke ${holder.id} first`,
    );
  }
}
