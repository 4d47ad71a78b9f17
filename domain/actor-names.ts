import type { Action } from '../schemas/access.ts';

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
