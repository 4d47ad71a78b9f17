import { describe, expect, test } from 'vitest';
import {
  type GroupReason,
  FLAPPING_WITHIN_SECONDS,
  isFlapping,
  manyOpened,
  type Opening,
  canJoinGroup,
  groupingOf,
} from '../../../domain/incidents/incident-group.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import type { ManyAtOnce } from '../../../schemas/alerts/routes.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { NOON } from '../arbitraries.ts';

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
      reason: { text: 'db is failing, and so are services that depend on it: cart, checkout' },
    });
  });

  test('is found by the last failing service, in any order', () => {
    expect(judged([opening('cart'), opening('checkout', 5), opening('db', 10)])).toMatchObject({
      reason: { name: 'db' },
    });
  });

  test('does not group a service with its only dependent: their changes distinguish them', () => {
    expect(judged([opening('db'), opening('cart', 5)])).toEqual({ kind: 'alone' });
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

describe('an open parent', () => {
  const many: GroupReason = { because: 'many', name: '', text: '' };
  const onDb: GroupReason = { because: 'shared_dependency', name: 'db', text: '' };
  const gathers = (groupReason: GroupReason, service: string, secondsAfterTheLast: number) =>
    canJoinGroup(groupReason, NOON, opening(service, secondsAfterTheLast), SHOP, policy());

  test.each([
    ['takes anything while the event goes on', gathers(many, 'search', 300), true],
    ['takes nothing after it', gathers(many, 'search', 301), false],
    ['of a dependency takes what depends on it', gathers(onDb, 'cart', 300), true],
    ['takes the dependency itself', gathers(onDb, 'db', 0), true],
    ['of a dependency takes nothing else', gathers(onDb, 'search', 0), false],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
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
  expect(manyOpened(last, six, policy())).toBe(true);
  expect(manyOpened(last, six.slice(1), policy())).toBe(false);
  expect(manyOpened(last, [...six.slice(1), opening('a', 0, { environment: 'staging' })], policy())).toBe(false);
  expect(manyOpened(last, six, policy({ incidents: false }))).toBe(false);
});
