import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorize, EVERYWHERE, type Scope } from '../../../../core/domain/access/access.ts';
import { Action, type Principal } from '../../../../schemas/access/access.ts';
import { before, NOON } from '../../arbitraries.ts';

const principal = (more: Partial<Principal> = {}): Principal => ({
  name: 'ci',
  actions: ['deployments:write'],
  sources: null,
  services: null,
  environments: null,
  expires_at: null,
  ...more,
});

const may = (holder: Principal, scope: Scope = {}, action: Action = 'deployments:write'): boolean =>
  authorize(holder, action, scope, NOON).allowed;

describe('a token is permitted', () => {
  test.each([
    ['its actions', principal(), {}],
    ['everything, with a star', principal({ actions: ['*'] }), { service: 'checkout' }],
    ['its actions on its services', principal({ services: ['checkout'] }), { service: 'checkout' }],
    ['its actions that concern no service', principal({ services: ['checkout'] }), {}],
    ['its actions as one of its sources', principal({ sources: ['grafana'] }), { source: 'grafana' }],
    ['its actions on all services, without limits', principal(), EVERYWHERE],
    ['its actions, a second before it expires', principal({ expires_at: before(-1 / 60) }), {}],
  ])('to perform %s', (_, holder, scope) => {
    expect(may(holder, scope)).toBe(true);
  });
});

describe('a token is not permitted', () => {
  test.each([
    ['another action', principal({ actions: ['deployments:read'] }), {}, 'ci lacks the permission deployments:write'],
    [
      'another service',
      principal({ services: ['checkout'] }),
      { service: 'search' },
      'ci has no access to service search',
    ],
    [
      'another environment',
      principal({ environments: ['staging'] }),
      { environment: 'production' },
      'ci has no access to environment production',
    ],
    [
      'another source',
      principal({ sources: ['grafana'] }),
      { source: 'alertmanager' },
      'ci has no permission to send as alertmanager',
    ],
    [
      'any service, with an empty list',
      principal({ services: [] }),
      { service: 'checkout' },
      'ci has no access to service checkout',
    ],
    [
      'an action on all services',
      principal({ services: ['checkout'] }),
      EVERYWHERE,
      'ci has no access to all services',
    ],
    [
      'an action on all environments',
      principal({ environments: ['staging'] }),
      EVERYWHERE,
      'ci has no access to all environments',
    ],
    [
      'anything at the moment at which it expires',
      principal({ expires_at: NOON }),
      {},
      `the token ci expired at ${NOON}`,
    ],
    [
      'anything at all once it has expired, star or not',
      principal({ actions: ['*'], expires_at: before(1) }),
      {},
      `the token ci expired at ${before(1)}`,
    ],
  ])('to perform %s', (_, holder, scope, because) => {
    expect(authorize(holder, 'deployments:write', scope, NOON)).toEqual({ allowed: false, because });
  });
});

test('the token for alerts may not request rollbacks', () => {
  expect(may(principal({ actions: ['alerts:write'] }), {}, 'rollback:request')).toBe(false);
});

const list = fc.option(fc.subarray(['a', 'b']), { nil: null });
const anyPrincipal = fc
  .record({
    actions: fc.array(fc.constantFrom(...Action.options, '*' as const), { maxLength: 4 }),
    sources: list,
    services: list,
    environments: list,
    expires_at: fc.constantFrom(null, before(1), before(-1)),
  })
  .map(principal);
const name = fc.constantFrom('a', 'b', 'c', null, undefined);
const anyScope = fc.record({ source: name, service: name, environment: name }).map((scope) => scope as Scope);

test('a permission for a known scope also covers a scope with fewer known fields, and limits only reduce permissions', () => {
  fc.assert(
    fc.property(anyPrincipal, fc.constantFrom(...Action.options), anyScope, (holder, action, scope) => {
      const allowed = may(holder, scope, action);
      const { service: _, ...lessKnown } = scope;
      if (allowed) expect(may(holder, lessKnown, action)).toBe(true);
      if (allowed) expect(may({ ...holder, services: null }, scope, action)).toBe(true);
      const limited = {
        ...holder,
        services: (holder.services ?? ['a', 'b']).filter((service) => service !== 'b'),
      };
      if (!allowed) expect(may(limited, scope, action)).toBe(false);
    }),
  );
});
