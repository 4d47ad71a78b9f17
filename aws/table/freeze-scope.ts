import type { CheckedPlace } from '../../domain/freeze/ports.ts';
import { stateAt } from '../../domain/freeze/state.ts';
import type { Freeze, FreezeScope } from '../../schemas/freeze.ts';
import { StoredFreeze } from '../../schemas/stored.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { keys } from './keys.ts';
import type { Item, Table, Write } from './table.ts';

/** Freezes of one scope that are not over. */
const SCOPE_MAX_FREEZES = 500;

/** An item holds 400 KB; what is left is for the uses of overrides, about 150 bytes each. */
const SCOPE_MAX_BYTES = 320 * 1024;

/** Taken away with one write: an expression has 4 KB at most. */
const REMOVED_MAX = 100;

/** Each freeze is an attribute of its scope's item, so that two that begin at once do not wait for each other. */
const PREFIX = 'freeze:';
const nameOf = (id: string): string => `${PREFIX}${id}`;

/** A scope has so many freezes, or so much in them, that a check could not read them at once. */
export class ScopeFull extends Error {
  override readonly name = 'ScopeFull';

  constructor(scope: FreezeScope, freezes: number, bytes: number) {
    super(
      `${scopeText(scope)} has ${freezes} freezes with ${Math.round(bytes / 1024)} KB that are not over; at most ` +
        `${SCOPE_MAX_FREEZES} with ${SCOPE_MAX_BYTES / 1024} KB: end some of them, or use fewer overrides`,
    );
  }
}

/**
 * Whether a check has to see it: until it is over, and where a person has lifted it, for as long as its cause may go on,
 * since what is found out anew at each check (calendar, incidents) must not freeze again then.
 */
const isWanted = (freeze: Freeze, now: Timestamp): boolean =>
  stateAt(freeze, now) !== 'over' ||
  (freeze.settled_at === null && freeze.cause !== 'person' && (freeze.until === null || freeze.until > now));

/** The freezes in a scope's item, each as text, which `freezeIn` reads. */
export const freezeTextsIn = (item: Item | undefined): string[] =>
  Object.entries(item ?? {}).flatMap(([name, text]) => (name.startsWith(PREFIX) ? [String(text)] : []));

export const freezeIn = (text: string): Freeze => StoredFreeze.parse(JSON.parse(text));

export const byBeginning = (a: Freeze, b: Freeze): number =>
  a.starts_at === b.starts_at ? (a.id < b.id ? -1 : 1) : a.starts_at < b.starts_at ? -1 : 1;

/**
 * Shows a freeze to checks as it is now, or takes it away from them; what else no check wants any more goes, too.
 *
 * @param item of the scope, as it was read a moment ago
 * @param grows it must not be too much then
 * @throws ScopeFull
 */
export function scopeWrite(
  table: Table,
  freeze: Freeze,
  now: Timestamp,
  item: Item | undefined,
  grows: boolean,
): Write {
  const others = freezeTextsIn(item)
    .map((text) => ({ text, freeze: JSON.parse(text) as Freeze })) // as it was written here
    .filter((other) => other.freeze.id !== freeze.id);
  const wanted = others.filter((other) => isWanted(other.freeze, now));
  const gone = others.filter((other) => !wanted.includes(other)).map((other) => other.freeze.id);
  const text = isWanted(freeze, now) ? JSON.stringify(freeze) : undefined;
  if (grows && text !== undefined) refuseTooMany(freeze, [...wanted.map((other) => other.text), text]);
  const removed = [...(text === undefined ? [freeze.id] : []), ...gone].slice(0, REMOVED_MAX);
  return table.update(keys.freezeScope(freeze), {
    UpdateExpression: [
      ...(text === undefined ? [] : ['SET #freeze = :freeze']),
      ...(removed.length === 0 ? [] : [`REMOVE ${removed.map((_, n) => `#gone${n}`).join(', ')}`]),
    ].join(' '),
    ExpressionAttributeNames: {
      ...(text !== undefined && { '#freeze': nameOf(freeze.id) }),
      ...Object.fromEntries(removed.map((id, n) => [`#gone${n}`, nameOf(id)])),
    },
    ...(text !== undefined && { ExpressionAttributeValues: { ':freeze': text } }),
  });
}

function refuseTooMany(scope: FreezeScope, freezes: readonly string[]): void {
  const bytes = freezes.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (freezes.length > SCOPE_MAX_FREEZES || bytes > SCOPE_MAX_BYTES)
    throw new ScopeFull(scope, freezes.length - 1, bytes);
}

/** Every scope that covers a place. */
export const scopesOf = ({ service, environment, team }: CheckedPlace): FreezeScope[] => [
  { service, environment, team: null },
  { service, environment: null, team: null },
  { service: null, environment, team: null },
  { service: null, environment: null, team: null },
  ...(team === null
    ? []
    : [
        { service: null, environment, team },
        { service: null, environment: null, team },
      ]),
];

const scopeText = ({ service, environment, team }: FreezeScope): string =>
  `${service ?? (team === null ? 'every service' : `team ${team}`)} in ${environment ?? 'every environment'}`;
