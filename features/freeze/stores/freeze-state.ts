import type { CheckedScope, FreezeState } from '../types.ts';
import type { Freeze, FreezeScope } from '../schemas/freeze.ts';
import { readFreeze } from './read-freeze.ts';
import { type Key, keys as coreKeys } from '../../../core/stores/keys.ts';
import { keys } from '../keys.ts';
import { ParsedTexts } from '../../../core/stores/parsed-texts.ts';
import { pinsIn } from '../../../core/stores/changes/pins.ts';
import type { Table } from '../../../core/stores/table.ts';
import { type Item, update, type Write } from '../../../platforms/store.ts';
import { stateAt } from '../decisions/state.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Number of freezes that are cached parsed; each has about 1 KB. */
const TEXTS_CACHED = 4000;

/** Reads all freezes and pins that a check needs in one DynamoDB call, which concurrent checks share. */
export class FreezeStateTable implements FreezeState {
  readonly #table: Table;
  readonly #freezes = new ParsedTexts(freezeIn, TEXTS_CACHED);

  constructor(table: Table) {
    this.#table = table;
  }

  async read(scope: CheckedScope, dependencies: readonly CheckedScope[]): ReturnType<FreezeState['read']> {
    const scopes = [scope, ...dependencies].map(keysOf);
    const [live, pinned, ...items] = await this.#table.shared.read([
      coreKeys.live(scope),
      coreKeys.pinned(scope),
      ...scopes.flat(),
    ]);
    const [own = [], ...others] = scopes.map((some) => this.#freezesIn(items.splice(0, some.length)));
    return { own, dependencies: others, pins: pinsIn(pinned, live) };
  }

  #freezesIn(items: readonly (Item | undefined)[]): Freeze[] {
    return items
      .flatMap(freezeTextsIn)
      .map((text) => this.#freezes.of(text))
      .toSorted(byBeginning);
  }
}

const keysOf = (scope: CheckedScope): Key[] => scopesOf(scope).map((one) => keys.freezeScope(one));

/** Limit of unfinished freezes in one scope. */
const SCOPE_MAX_FREEZES = 500;

/** An item holds 400 KB; the rest is for the uses of overrides, about 150 bytes each. */
const SCOPE_MAX_BYTES = 320 * 1024;

/** Number of freezes removed in one write: an expression has at most 4 KB. */
const REMOVED_MAX = 100;

/**
 * Each freeze is an attribute of its scope's item, so that two freezes can be opened at the same time without a
 * conflict.
 */
const PREFIX = 'freeze:';
const attributeName = (id: string): string => `${PREFIX}${id}`;

/** Thrown when a scope has too many freezes, or too much data, for a check to read at once. */
export class ScopeFull extends Error {
  override readonly name = 'ScopeFull';

  constructor(scope: FreezeScope, freezes: number, bytes: number) {
    super(
      `${scopeText(scope)} has ${freezes} unfinished freezes with ${Math.round(bytes / 1024)} KB; the limit is ` +
        `${SCOPE_MAX_FREEZES} with ${SCOPE_MAX_BYTES / 1024} KB. End some of them, or use fewer overrides`,
    );
  }
}

/**
 * Returns whether checks must see a freeze: until it is over, and after a person has lifted it for as long as its cause
 * may last (`settled_at`: when the cause was found to be over). Causes that each check detects again (calendar, incidents) must not freeze again during that time.
 */
const isNeededByChecks = (freeze: Freeze, now: Timestamp): boolean =>
  stateAt(freeze, now) !== 'over' ||
  (freeze.settled_at === null && freeze.cause !== 'person' && (freeze.until === null || freeze.until > now));

/** Returns the freezes in a scope's item as texts, which `freezeIn` parses. */
const freezeTextsIn = (item: Item | undefined): string[] =>
  Object.entries(item ?? {}).flatMap(([name, text]) => (name.startsWith(PREFIX) ? [String(text)] : []));

const freezeIn = (text: string): Freeze => readFreeze(JSON.parse(text));

const byBeginning = (a: Freeze, b: Freeze): number =>
  a.starts_at === b.starts_at ? (a.id < b.id ? -1 : 1) : a.starts_at < b.starts_at ? -1 : 1;

/**
 * Shows freezes of one scope to checks in their current state, or removes them. Also removes other freezes that no check
 * needs.
 *
 * @param item of the scope, read just before
 * @param grows if true, the result must be within the limits
 * @throws ScopeFull
 */
export function scopeWrite(
  freezes: readonly [Freeze, ...Freeze[]],
  now: Timestamp,
  item: Item | undefined,
  grows: boolean,
): Write {
  const changed = new Set(freezes.map(({ id }) => id));
  const others = freezeTextsIn(item)
    .map((text) => ({ text, freeze: JSON.parse(text) as Freeze })) // texts that this module has written
    .filter((other) => !changed.has(other.freeze.id));
  const needed = others.filter((other) => isNeededByChecks(other.freeze, now));
  const gone = others.filter((other) => !needed.includes(other)).map((other) => other.freeze.id);
  const shown = freezes.filter((freeze) => isNeededByChecks(freeze, now));
  const over = freezes.filter((freeze) => !shown.includes(freeze));
  const set = Object.fromEntries(shown.map((freeze) => [attributeName(freeze.id), JSON.stringify(freeze)]));
  if (grows && shown.length > 0)
    refuseTooMany(freezes[0], [...needed.map((other) => other.text), ...Object.values(set)]);
  const removed = [...over.map(({ id }) => id), ...gone].slice(0, REMOVED_MAX);
  return update(keys.freezeScope(freezes[0]), {
    ...(shown.length > 0 && { set }),
    remove: removed.map(attributeName),
  });
}

function refuseTooMany(scope: FreezeScope, freezes: readonly string[]): void {
  const bytes = freezes.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (freezes.length > SCOPE_MAX_FREEZES || bytes > SCOPE_MAX_BYTES)
    throw new ScopeFull(scope, freezes.length - 1, bytes);
}

/** Returns all scopes that cover a service and environment. */
const scopesOf = ({ service, environment, team }: CheckedScope): FreezeScope[] => [
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
