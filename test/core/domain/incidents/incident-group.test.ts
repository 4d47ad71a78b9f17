import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dependenciesOf } from '../../../../core/domain/catalogue/dependencies.ts';
import {
  type GroupReason,
  FLAPPING_WITHIN_SECONDS,
  isFlapping,
  isOneOfMany,
  manyOpened,
  type Opening,
  canJoinMany,
  groupingOf,
  mayBeGrouped,
  relatedTo,
} from '../../../../core/domain/incidents/incident-group.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import type { ManyAtOnce } from '../../../../schemas/alerts/routes.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

/** Builds an opening in seconds after noon. */
const opening = (service: string, seconds = 0, more: Partial<Opening> = {}): Opening => ({
  id: `${service} ${seconds}` as IncidentId,
  at: plusSeconds(NOON, seconds),
  scope: service,
  service: service as ServiceName,
  environment: 'production',
  unmatched: null,
  ...more,
});

const policy = (more: Partial<ManyAtOnce> = {}): ManyAtOnce => ({
  incidents: 5,
  minutes: 5,
  sharedDependency: 2,
  ...more,
});

const catalogue = (services: Record<string, string[]>): Config['services'] =>
  Config.parse({
    version: 'test',
    services: Object.fromEntries(Object.entries(services).map(([name, dependsOn]) => [name, { dependsOn }])),
    paging: {},
  }).services;

const SHOP = catalogue({
  cart: ['db', 'cache'],
  checkout: ['db', 'payments'],
  search: ['index', 'cache'],
  payments: [],
  db: [],
  cache: [],
});

/** Groups the last opening, given all of them. */
const judged = (all: readonly Opening[], more: Partial<ManyAtOnce> = {}, services = SHOP) => {
  const last = all.at(-1);
  if (last === undefined) throw new RangeError('at least one opening');
  return groupingOf(last, all, services, policy(more));
};

const names = (all: readonly Opening[]): string[] => all.map(({ service }) => service);
const six = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, n) => opening(name, n * 10));

describe('more than a few at once', () => {
  test('are one event', () => {
    expect(judged(six)).toEqual({
      kind: 'together',
      members: six,
      reason: { because: 'many', name: '', text: '6 incidents in 5 minutes' },
    });
  });

  test.each([
    ['too few incidents', six.slice(1), {}],
    ['incidents that open slowly', six.map((one, n) => ({ ...one, at: plusSeconds(NOON, n * 61) })), {}],
    [
      'incidents of several environments',
      six.map((one, n) => ({ ...one, environment: n < 2 ? 'staging' : 'production' })),
      {},
    ],
    ['repeated incidents of one service', six.map((one, n) => (n === 1 ? { ...one, scope: 'a' } : one)), {}],
    ['incidents, with the policy off', six, { incidents: false as const }],
  ])('%s form no group', (_, all, more) => {
    expect(judged(all, more)).toEqual({ kind: 'alone' });
  });

  test('are counted as the policy says', () => {
    expect(judged(six.slice(0, 3), { incidents: 2, minutes: 1 })).toMatchObject({
      reason: { text: '3 incidents in 1 minutes' },
    });
    const apart = [opening('a', 0), opening('b', 59), opening('c', 60)];
    expect(judged(apart, { incidents: 2, minutes: 1 })).toEqual({ kind: 'alone' });
  });

  test('include later openings, for an incident that is grouped late', () => {
    expect(groupingOf(opening('a', 0), six, SHOP, policy())).toMatchObject({ kind: 'together', members: six });
  });

  test('never include services outside the catalogue: their sender could hide any page among them', () => {
    const strangers = six.map((one) => ({ ...one, service: 'unmatched' as ServiceName, unmatched: one.scope }));
    expect(judged(strangers)).toEqual({ kind: 'alone' });
    expect(judged([...strangers, opening('checkout', 30)])).toEqual({ kind: 'alone' });
    expect(judged([...strangers, ...six])).toMatchObject({ kind: 'together', members: six });
  });
});

describe('a shared dependency', () => {
  test('groups the services that depend on it', () => {
    const found = judged([opening('cart'), opening('search', 5), opening('checkout', 10)]);
    expect(found).toMatchObject({
      kind: 'together',
      reason: { because: 'shared_dependency', name: 'db', text: 'cart, checkout all depend on db' },
    });
    expect(found.kind === 'together' && names(found.members)).toEqual(['cart', 'checkout']);
  });

  test('that fails itself belongs to the group and is named', () => {
    const found = judged([opening('db'), opening('cart', 5), opening('checkout', 10)]);
    expect(found.kind === 'together' && names(found.members)).toEqual(['db', 'cart', 'checkout']);
    expect(found).toMatchObject({
      reason: { text: 'db failed, and so did services that depend on it: cart, checkout' },
    });
  });

  test('is found by the last failing service, in any order', () => {
    expect(judged([opening('cart'), opening('checkout', 5), opening('db', 10)])).toMatchObject({
      reason: { name: 'db' },
    });
  });

  test('that fails itself is grouped with its only dependent, in any order', () => {
    const reason = {
      because: 'shared_dependency',
      name: 'db',
      text: 'db failed, and so did cart, which depends on it',
    };
    for (const both of [
      [opening('db'), opening('cart', 5)],
      [opening('cart'), opening('db', 5)],
    ])
      expect(judged(both)).toEqual({ kind: 'together', members: both, reason });
  });

  test('that fails itself is grouped with its dependents, also indirect ones', () => {
    const services = catalogue({ web: ['cart'], cart: ['db'], db: [], news: ['db'] });
    const all = [opening('web'), opening('db', 5)];
    expect(judged(all, {}, services)).toMatchObject({ reason: { name: 'db' } });
    expect(judged([...all, opening('cart', 9)], {}, services)).toMatchObject({
      reason: { name: 'db', text: 'db failed, and so did services that depend on it: cart, web' },
    });
    // A dependency that is well explains only the services that depend on it directly.
    expect(judged([opening('web'), opening('news', 5)], {}, services)).toEqual({ kind: 'alone' });
  });

  test('is grouped with dependents that were mitigated, and may still fail', () => {
    const [mitigated, opened] = [opening('db'), opening('cart', 60)];
    expect(groupingOf(opened, [opened], SHOP, policy(), { mitigated: [mitigated] })).toMatchObject({
      reason: { name: 'db', text: 'db was mitigated, but cart, which depends on it, failed' },
    });
    expect(groupingOf(mitigated, [mitigated], SHOP, policy(), { mitigated: [opened] })).toMatchObject({
      reason: { text: 'db failed, and so did cart, which depends on it' },
    });
  });

  test('is no reason to page for a trial that must not page', () => {
    const both = [opening('db'), opening('cart', 5)];
    const isQuiet = ({ service }: Opening) => service === 'db';
    expect(groupingOf(opening('cart', 5), both, SHOP, policy(), { isQuiet })).toEqual({ kind: 'alone' });
  });

  test('groups however many they are if it explains most of them', () => {
    const dependents = ['a', 'b', 'c', 'd', 'e', 'f'];
    const services = catalogue(Object.fromEntries([...dependents.map((name) => [name, ['db']]), ['db', []]]));
    const strangers = dependents.map((name, n) => opening(`other ${name}`, n));
    const failing = [opening('db'), ...dependents.map((name, n) => opening(name, n + 1))];
    expect(judged(failing, {}, services)).toMatchObject({ reason: { name: 'db' } });
    expect(judged([...strangers, ...failing.slice(0, 2)], {}, services)).toMatchObject({ reason: { because: 'many' } });
  });

  test('does not group two incidents of the same service', () => {
    expect(judged([opening('cart'), opening('cart', 5)])).toEqual({ kind: 'alone' });
  });

  test('is the one shared by most, and the first by name in a tie', () => {
    const services = catalogue({ a: ['y', 'x'], b: ['x', 'y'], c: ['y'] });
    expect(judged([opening('a'), opening('b', 1)], {}, services)).toMatchObject({ reason: { name: 'x' } });
    expect(judged([opening('c'), opening('a', 1), opening('b', 2)], {}, services)).toMatchObject({
      reason: { name: 'y' },
    });
  });

  test.each([
    ['the policy is off', { sharedDependency: false as const }],
    ['the policy requires more incidents', { sharedDependency: 3 }],
  ])('has no effect if %s', (_, more) => {
    expect(judged([opening('cart'), opening('checkout', 5)], more)).toEqual({ kind: 'alone' });
  });

  test('is unknown for unmatched services and unusual names', () => {
    const strange = { service: 'unmatched' as ServiceName, unmatched: 'cart' };
    expect(
      judged([opening('cart', 0, strange), opening('checkout', 5, { ...strange, unmatched: 'checkout' })]),
    ).toEqual({
      kind: 'alone',
    });
    expect(judged([opening('constructor'), opening('__proto__', 1)])).toEqual({ kind: 'alone' });
  });
});

test.each([
  ['takes anything while the event goes on', 300, true],
  ['takes nothing after it', 301, false],
])('an open parent of many %s', (_, seconds, expected) => {
  expect(canJoinMany(NOON, opening('search', seconds), policy())).toBe(expected);
});

test('an open parent of many takes nothing once the grouping by number is off', () => {
  expect(canJoinMany(NOON, opening('search', 1), policy({ incidents: false }))).toBe(false);
  expect(canJoinMany(NOON, opening('search', 1), policy({ sharedDependency: false }))).toBe(true);
});

test('a child is one of many unless its parent is the group of a dependency', () => {
  const group = (because: GroupReason['because']) => ({ group_reason: { because, name: '', text: '' } });
  const child = { parent_id: 'parent' as IncidentId };
  expect(isOneOfMany(child, group('many'))).toBe(true);
  expect(isOneOfMany(child, group('shared_dependency'))).toBe(false);
  expect(isOneOfMany(child, undefined)).toBe(true);
  expect(isOneOfMany({}, undefined)).toBe(false);
});

describe('an alert flaps', () => {
  const of = (...seconds: number[]) => seconds.map((at) => opening('cart', at));

  test.each([
    ['at the third opening within an hour', of(0, 600, FLAPPING_WITHIN_SECONDS - 1), true],
    ['not at the second', of(0, 600), false],
    ['not when the first is an hour ago', of(0, 600, FLAPPING_WITHIN_SECONDS), false],
    ['not by those of others', [opening('search', 0), opening('search', 60), ...of(600)], false],
  ])('%s', (_, all, expected) => {
    const last = all.at(-1) ?? opening('cart');
    expect(isFlapping(last, all)).toBe(expected);
  });
});

test('many incidents that opened at once count as many even if earlier ones are resolved', () => {
  const last = { environment: 'production' as EnvironmentName, opened_at: plusSeconds(NOON, 50) };
  expect(six.some(manyOpened(last, policy()))).toBe(true);
  expect(six.slice(1).some(manyOpened(last, policy()))).toBe(false);
  expect([...six.slice(1), opening('a', 0, { environment: 'staging' })].some(manyOpened(last, policy()))).toBe(false);
  expect(six.some(manyOpened(last, policy({ incidents: false })))).toBe(false);
});

test('incidents are related if one of their services is among the dependencies of the other, in any catalogue', () => {
  // More services than a search for a cause follows, so that a distant dependency is cut off.
  const all = Array.from({ length: 26 }, (_, n) => `s${n}`);
  const dependencies = fc.array(fc.subarray(all, { maxLength: 12 }), { minLength: all.length, maxLength: all.length });
  fc.assert(
    fc.property(dependencies, (dependsOn) => {
      const services = catalogue(Object.fromEntries(all.map((name, n) => [name, dependsOn[n] ?? []])));
      const reaches = (one: string, other: string): boolean =>
        dependenciesOf(services, one).some(({ service }) => service === other);
      const one = 's0';
      const isRelated = relatedTo(opening(one), services);
      for (const other of all)
        expect(isRelated(opening(other))).toBe(one !== other && (reaches(one, other) || reaches(other, one)));
    }),
    { numRuns: runs(50) },
  );
});

test('an incident that may not be grouped is alone, whichever others fail', () => {
  const off = { incidents: false, sharedDependency: false } as const;
  for (const [opened, more] of [
    [opening('checkout', 60), off],
    [opening('checkout', 60, { unmatched: 'checkout' }), {}],
  ] as const) {
    expect(mayBeGrouped(opened, policy(more))).toBe(false);
    expect(judged([...six, opening('db', 50), opened], more)).toEqual({ kind: 'alone' });
  }
  expect(mayBeGrouped(opening('checkout'), policy({ incidents: false }))).toBe(true);
  expect(mayBeGrouped(opening('checkout'), policy({ sharedDependency: false }))).toBe(true);
});
