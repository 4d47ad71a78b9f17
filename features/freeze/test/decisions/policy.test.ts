import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY, type FreezePolicy, type PolicySubject, policyFor } from '../../decisions/policy.ts';
import { FreezeFile } from '../../schemas/freeze-policy.ts';
import { serviceEnvironment } from './builders.ts';

const CHECKOUT: PolicySubject = { ...serviceEnvironment(), tier: 1 };

const policyOf = (file: object, subject: PolicySubject = CHECKOUT): FreezePolicy =>
  policyFor(FreezeFile.parse(file), subject);

test('without a file: warn at 75 %, freeze at 100 %, lift below 95 %, stale after ten minutes with a warning', () => {
  expect(policyOf({})).toEqual(DEFAULT_POLICY);
  expect(DEFAULT_POLICY).toMatchObject({
    budget: { warn: 0.75, freeze: 1, liftBelow: 0.95 },
    stale: { afterSeconds: 600, deploys: 'allow' },
  });
});

describe('a policy applies to', () => {
  const minimumFor = (match: object, subject: PolicySubject = CHECKOUT): number =>
    policyOf({ policies: [{ match, minimumMinutes: 1 }] }, subject).minimumSeconds;
  test.each<[string, object, boolean]>([
    ['everybody', {}, true],
    ['a service', { service: 'checkout' }, true],
    ['and no other', { service: ['search', 'payments'] }, false],
    ['a team', { teams: ['payments'] }, true],
    ['an environment', { environment: 'production' }, true],
    ['and no other', { environments: 'staging' }, false],
    ['a tier', { tier: [1, 2] }, true],
    ['and no other', { tier: 2 }, false],
    ['all of them at once', { tier: 1, team: 'payments', environment: 'production' }, true],
    ['all of them at once, one of which is another', { tier: 1, team: 'search' }, false],
  ])('%s %j', (_, match, matches) => {
    expect(minimumFor(match)).toBe(matches ? 60 : 900);
  });

  test('nothing whose value is unknown', () => {
    expect(minimumFor({ team: 'payments' }, { ...CHECKOUT, team: null })).toBe(900);
    expect(minimumFor({ tier: 1 }, { ...CHECKOUT, tier: null })).toBe(900);
  });
});

test('later policies override earlier ones', () => {
  expect(
    policyOf({
      defaults: { budget: { warn: '50%' }, minimumMinutes: 30, incidents: 'critical' },
      policies: [
        { match: {}, budget: { freeze: '120%' }, burn: 'ticket', stale: { deploys: 'deny' } },
        { match: { tier: 1 }, burn: 'off', stale: { afterMinutes: 5 }, overrides: { people: 2 } },
        { match: { tier: 2 }, minimumMinutes: 0 },
      ],
    }),
  ).toEqual({
    ...DEFAULT_POLICY,
    budget: { warn: 0.5, freeze: 1.2, liftBelow: 1.2 * 0.95 },
    burn: 'off',
    minimumSeconds: 1800,
    incidents: 'critical',
    stale: { afterSeconds: 300, deploys: 'deny' },
    overrides: { people: 2, maxSeconds: 86_400 },
  });
});

test.each<[string, object[], FreezePolicy['budget']]>([
  ['switched off', [{ budget: 'off' }], null],
  ['switched on again, as it is without a file', [{ budget: 'off' }, { budget: {} }], DEFAULT_POLICY.budget],
  [
    'frozen at another share, lifted 5 % below',
    [{ budget: { freeze: 0.8 } }],
    { warn: 0.75, freeze: 0.8, liftBelow: 0.76 },
  ],
  ['with its own level', [{ budget: { freeze: 0.8, liftBelow: 0.5 } }], { warn: 0.75, freeze: 0.8, liftBelow: 0.5 }],
  [
    'with a level that another policy leaves above',
    [{ budget: { freeze: 0.8 } }, { budget: { liftBelow: 0.9 } }],
    { warn: 0.75, freeze: 0.8, liftBelow: 0.76 },
  ],
])('a budget %s', (_, rules, expected) => {
  const { budget } = policyOf({ policies: rules.map((each) => ({ match: {}, ...each })) });
  expect(budget === null ? null : { ...budget, liftBelow: Number(budget.liftBelow.toFixed(9)) }).toEqual(expected);
});
