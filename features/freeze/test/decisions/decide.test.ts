import { describe, expect, test } from 'vitest';
import type { CalendarFreeze, CheckInputs } from '../../decisions/check-inputs.ts';
import { decide, stateOf, usesOf } from '../../decisions/decide.ts';
import type { Freeze } from '../../schemas/freeze.ts';
import { Version } from '../../../../schemas/config/names.ts';
import {
  at,
  freeze,
  inputs,
  NOON,
  override,
  PAGE,
  pin,
  serviceEnvironment,
  slo,
  status,
  TICKET,
  used,
  wholeText,
} from './builders.ts';

type InputOptions = NonNullable<Parameters<typeof inputs>[0]>;

const decided = (asked: InputOptions) => decide(inputs(asked));
const codes = (asked: InputOptions): string[] => decided(asked).reasons.map(({ code }) => code);
/** Formats the verdict and reasons: `freeze budget_spent`, `warn override person`. */
const said = (asked: InputOptions): string => [decided(asked).verdict, ...codes(asked)].join(' ');
/** Returns the first reason: its text and the rest. */
const textOf = (asked: InputOptions): string => wholeText(decided(asked).reasons[0]);

const good: CheckInputs['rollback'] = { kind: 'known_good', text: 'v1 ran for a day' };
const unknown: CheckInputs['rollback'] = { kind: 'not_known', text: 'v1 is not on record' };
const vouched: CheckInputs['identity'] = { ok: true, subject: 'repo:acme/checkout' };
const frozen = freeze('budget');
const spent = { freezes: [frozen], slos: [status({ spent: 1.2 })] };
const planned: CalendarFreeze = freeze('calendar', { until: at(60) });
const incident = freeze('incident');

const imageOf = (digit: string) => ({ of: 'argo-cd ghcr.io/acme/web', id: `sha256:${digit.repeat(64)}` });

describe('a deploy', () => {
  test.each<[string, InputOptions, string]>([
    ['without a freeze', {}, 'allow clear'],
    ['with a budget below the warning', { slos: [status({ spent: 0.7499 })] }, 'allow clear'],
    ['with a budget at the warning', { slos: [status({ spent: 0.75 })] }, 'warn budget_low'],
    [
      'with errors that are not significant',
      { slos: [status({ spent: 3, budget: { significant: false } })] },
      'allow clear',
    ],
    ['where budgets do not freeze', { slos: [status({ spent: 3 })], policy: { budget: null } }, 'allow clear'],
    ['with a spent budget', spent, 'freeze budget_spent'],
    [
      'with a spent budget that burns',
      { freezes: [frozen], slos: [status({ spent: 1.2, burning: [PAGE] })] },
      'freeze budget_spent',
    ],
    ['with a spent budget that no evaluation has frozen yet', { slos: [status({ spent: 1 })] }, 'warn budget_spent'],
    [
      'with a spent budget whose freeze was lifted',
      { slos: [status({ spent: 1.2 })], freezes: [freeze('budget', { ended_at: at(-5), ended_by: 'person:bo' })] },
      'warn budget_spent',
    ],
    [
      'whose freeze was lifted before less was spent than the level to lift at',
      { slos: [status({ spent: 0.96 })], freezes: [freeze('budget', { ended_at: at(-5), ended_by: 'person:bo' })] },
      'warn budget_spent',
    ],
    ['with a high burn rate', { freezes: [freeze('burn')], slos: [status({ burning: [PAGE] })] }, 'freeze burn_rate'],
    ['with a high burn rate, before a freeze opens', { slos: [status({ burning: [PAGE] })] }, 'warn burn_rate'],
    ['with a low burn rate', { slos: [status({ burning: [TICKET] })] }, 'allow clear'],
    [
      'with a high burn rate half an hour ago',
      { slos: [status({ burning: [PAGE], data_at: at(-30) })] },
      'warn stale_data',
    ],
    ['in the calendar', { calendar: [planned] }, 'freeze calendar'],
    ['before the calendar', { calendar: [freeze('calendar', { starts_at: at(1), until: at(60) })] }, 'allow clear'],
    ['during an incident', { incidents: [incident] }, 'freeze incident'],
    ['frozen by a person', { freezes: [freeze('person')] }, 'freeze person'],
    ['after the planned end of that freeze', { freezes: [freeze('person', { until: NOON })] }, 'allow clear'],
    ['before the start of that freeze', { freezes: [freeze('person', { starts_at: at(1) })] }, 'allow clear'],
    [
      'of another environment',
      { freezes: [freeze('person', { environment: serviceEnvironment('x', 'y').environment })] },
      'allow clear',
    ],
    ['of a frozen team', { freezes: [freeze('person', { service: null, team: 'payments' })] }, 'freeze person'],
    [
      'to an unknown environment',
      { unknownEnvironment: { policy: 'allow', configured: ['production'], suggestion: null } },
      'warn unknown_environment',
    ],
    [
      'to an unknown environment that policy denies',
      { unknownEnvironment: { policy: 'deny', configured: ['production'], suggestion: 'production' } },
      'freeze unknown_environment',
    ],
    ['under another name', { requested: serviceEnvironment('checkout', 'Production') }, 'allow name_corrected'],
    ['of another team', { freezes: [freeze('person', { service: null, team: 'search' })] }, 'allow clear'],
    [
      'of a service without a team',
      {
        freezes: [freeze('person', { service: null, team: 'x' })],
        scope: serviceEnvironment('checkout', 'production', null),
      },
      'allow clear',
    ],
    [
      'while everything is frozen',
      { freezes: [freeze('person', { service: null, environment: null })] },
      'freeze person',
    ],
  ])('%s', (_, asked, expected) => {
    expect(said(asked)).toBe(expected);
  });
});

describe('actions by people on a computed freeze:', () => {
  const record = (more: Partial<Freeze>): Freeze => ({ ...planned, ...more });
  const lifted = { ended_at: at(-5), ended_by: 'person:bo' };
  test.each<[string, InputOptions, string]>([
    ['lifted by a person, it holds no more', { calendar: [planned], freezes: [record(lifted)] }, 'allow clear'],
    ['of an incident, too', { incidents: [incident], freezes: [{ ...incident, ...lifted }] }, 'allow clear'],
    [
      'come again after it was over, it holds',
      { calendar: [planned], freezes: [record({ ...lifted, settled_at: at(-4) })] },
      'freeze calendar',
    ],
    [
      'extended after its end, it holds',
      {
        calendar: [planned],
        freezes: [record({ until: at(-5), ended_at: at(-5), ended_by: 'calendar', settled_at: at(-5) })],
      },
      'freeze calendar',
    ],
    ['removed from the calendar, it does not apply, even if it is recorded', { freezes: [record({})] }, 'allow clear'],
    [
      'its overrides let deploys through',
      { calendar: [planned], freezes: [record({ overrides: [override()] })] },
      'warn override calendar',
    ],
  ])('%s', (_, asked, expected) => {
    expect(said(asked)).toBe(expected);
  });

  test('the text is current', () => {
    const edited = { ...planned, reason: 'now for audits, too', until: at(90) };
    const { reasons, next_transition_at } = decided({ calendar: [edited], freezes: [record({})] });
    expect(wholeText(reasons[0])).toMatch(/^now for audits, too; .* it ends at 2026-11-20 13:30 UTC/);
    expect(next_transition_at).toBe(at(90));
  });
});

describe('an override', () => {
  const by = (more: Parameters<typeof override>[0] = {}): InputOptions => ({
    freezes: [freeze('person', { overrides: [override(more)] })],
  });
  test.each<[string, InputOptions, boolean]>([
    ['lets a deploy through', by(), true],
    ['is over at its expiry', by({ expires_at: NOON }), false],
    ['can be withdrawn', by({ withdrawn_by: 'person:ada', withdrawn_at: at(-1) }), false],
    ['of one version lets that through', by({ version: Version.parse('v2') }), true],
    ['and no other one', by({ version: Version.parse('v3') }), false],
    ['without its second approval has no effect', by({ needs_approval: true }), false],
    ['counts with a second person', by({ needs_approval: true, approved_by: 'person:bo' }), true],
    ['but not with the same one', by({ needs_approval: true, approved_by: 'person:ada' }), false],
    ['has a use left', by({ uses: 2, used_by: [used('run-0')] }), true],
    ['is used up', by({ uses: 1, used_by: [used('run-0')] }), false],
    ['that is used up still applies to the same deploy', by({ uses: 1, used_by: [used('run-1')] }), true],
    [
      'that is used up does not apply to a deploy without an ID',
      { ...by({ uses: 1, used_by: [used('run-1')] }), request: { deployment_id: null } },
      false,
    ],
    ['of one freeze is none for another', { freezes: [...(by().freezes ?? []), frozen] }, false],
    ['never lets a pinned version through', { ...by(), pins: [pin('v2')] }, false],
    [
      'is of no account for data that are too old',
      { ...by(), slos: [status({ data_at: at(-30) })], policy: { stale: { afterSeconds: 600, deploys: 'deny' } } },
      false,
    ],
  ])('%s', (_, asked, allowed) => {
    expect(decided(asked).allowed).toBe(allowed);
  });

  test('is listed with its uses, and a check consumes none', () => {
    const asked = by({ uses: 2, used_by: [used('run-0')], needs_approval: true, approved_by: 'person:bo' });
    const { override: named, reasons } = decided(asked);
    expect(named).toEqual({
      id: 'ovr_1',
      freeze_id: 'frz_person',
      reason: 'fixes the cause',
      by: 'person:ada',
      expires_at: at(50),
      uses_left: 1,
    });
    expect(reasons[0]).toEqual({
      code: 'override',
      text: 'an override by person:ada allows this: fixes the cause',
      more: ['override ovr_1 of freeze frz_person', 'approved by person:bo', '1 use left'],
    });
    expect(decided(asked)).toEqual(decided(asked));
    expect(usesOf(inputs(asked))).toEqual([{ freeze: 'frz_person', override: 'ovr_1', deployment: 'run-1' }]);
  });

  test('is required for each freeze, and none is used while one is missing', () => {
    const two = [
      freeze('person', { overrides: [override()] }),
      freeze('burn', { overrides: [override({ id: 'ovr_2' })] }),
    ];
    expect(usesOf(inputs({ freezes: two })).map((use) => use.override)).toEqual(['ovr_1', 'ovr_2']);
    const one = [...two.slice(0, 1), frozen];
    expect(usesOf(inputs({ freezes: one }))).toEqual([]);
    expect(decided({ freezes: one }).override).toBeNull();
  });

  test('that was already used is preferred to one that would lose a use', () => {
    const overrides = [override({ id: 'a', uses: 5 }), override({ id: 'b', uses: 1, used_by: [used('run-1')] })];
    expect(decided({ freezes: [freeze('person', { overrides })] }).override?.id).toBe('b');
    const other = { freezes: [freeze('person', { overrides })], request: { deployment_id: 'run-2' } };
    expect(decided(other).override?.id).toBe('a');
  });

  test('of a wide freeze distinguishes deployments of two services', () => {
    const wide = freeze('person', {
      service: null,
      overrides: [override({ uses: 1, used_by: [used('payments-api/production/12')] })],
    });
    const asks = (service: string): InputOptions => ({ freezes: [wide], request: { service, deployment_id: '12' } });
    expect([asks('checkout'), asks('payments-api')].map((asked) => decided(asked).allowed)).toEqual([false, true]);
  });

  test('without an ID, a deployment is identified by version and commit', () => {
    const asked = (commit: string | null, version: string | null) =>
      usesOf(inputs({ ...by(), request: { deployment_id: null, version, commit } }))[0]?.deployment;
    expect([asked('abc', 'v2'), asked(null, 'v2'), asked('abc', null), asked(null, null)]).toEqual([
      'v2@abc',
      'v2@',
      '@abc',
      null,
    ]);
  });

  test('that does not apply has a reason', () => {
    const overrides = [
      override({ id: 'o1', expires_at: at(-1) }),
      override({ id: 'o2', needs_approval: true }),
      override({ id: 'o3', version: Version.parse('v9') }),
      override({ id: 'o4', uses: 1, used_by: [used('run-0')] }),
      override({ id: 'o5', withdrawn_at: at(-1), withdrawn_by: 'person:ada' }),
    ];
    const text = textOf({ freezes: [freeze('person', { overrides })] });
    for (const why of [
      'o1 (person:ada) has expired',
      'o2 (person:ada) is waiting for approval',
      'o3 (person:ada) is for version v9',
      'o4 (person:ada) has no uses left',
    ])
      expect(text).toContain(why);
    expect(text).not.toContain('o5');
  });
});

describe('claims that require proof:', () => {
  const asks = (change: string, more: InputOptions = {}): InputOptions => ({ ...spent, request: { change }, ...more });
  test.each<[string, InputOptions, string]>([
    [
      'a rollback to a version known good passes',
      asks('rollback', { rollback: good }),
      'warn known_good_rollback budget_spent',
    ],
    [
      'our own passes',
      asks('rollback', { rollback: { kind: 'ours', text: 'ours' } }),
      'warn known_good_rollback budget_spent',
    ],
    [
      'one to a version that is not known does not',
      asks('rollback', { rollback: unknown }),
      'freeze budget_spent not_exempt',
    ],
    ['nor one of which nothing is known', asks('rollback'), 'freeze budget_spent not_exempt'],
    [
      'nor one to a pinned version',
      asks('rollback', { rollback: good, pins: [pin('v2')] }),
      'freeze pinned_version budget_spent',
    ],
    [
      'with nothing in force it is like any other',
      { request: { change: 'rollback' }, rollback: unknown },
      'allow clear',
    ],
    [
      'a rollback passes what data that are too old refuse',
      {
        request: { change: 'rollback' },
        rollback: good,
        slos: [],
        objectives: 1,
        policy: { stale: { afterSeconds: 600, deploys: 'deny' } },
      },
      'warn known_good_rollback stale_data',
    ],
    ['a hotfix does not pass by itself', asks('hotfix', { identity: vouched }), 'freeze budget_spent not_exempt'],
    [
      'by policy it passes with an identity',
      asks('hotfix', { identity: vouched, policy: { passes: ['hotfix'] } }),
      'warn exempt_kind budget_spent',
    ],
    ['but not without one', asks('hotfix', { policy: { passes: ['hotfix'] } }), 'freeze budget_spent not_exempt'],
    [
      'nor with one that is not accepted',
      asks('hotfix', { identity: { ok: false, problem: 'expired' }, policy: { passes: ['hotfix'] } }),
      'freeze budget_spent not_exempt',
    ],
    [
      'a deploy never passes',
      asks('deploy', { identity: vouched, policy: { passes: ['deploy'] } }),
      'freeze budget_spent',
    ],
    [
      'an entry of the calendar sets its own exemptions',
      { calendar: [{ ...planned, passes: ['security'] }], request: { change: 'security' }, identity: vouched },
      'warn exempt_kind calendar',
    ],
    [
      'and what does not',
      {
        calendar: [{ ...planned, passes: [] }],
        request: { change: 'security' },
        identity: vouched,
        policy: { passes: ['security'] },
      },
      'freeze calendar not_exempt',
    ],
  ])('%s', (_, asked, expected) => {
    expect(said(asked)).toBe(expected);
  });

  test('explains why a change is not exempt', () => {
    const why = (asked: InputOptions): string =>
      wholeText(decided(asked).reasons.find(({ code }) => code === 'not_exempt'));
    expect(why(asks('rollback', { rollback: unknown }))).toBe(
      'v1 is not on record; this rollback is treated as a deploy',
    );
    expect(why(asks('security'))).toMatch(/^the policy does not exempt a security fix here/);
    const accepted: InputOptions = { policy: { passes: ['hotfix'] } };
    expect(why(asks('hotfix', accepted))).toMatch(/identity token .* and none was sent/);
    expect(why(asks('hotfix', { ...accepted, identity: { ok: false, problem: 'it has expired' } }))).toMatch(
      /not accepted: it has expired/,
    );
  });
});

describe('a pinned version', () => {
  test.each(['deploy', 'hotfix', 'rollback', 'security', 'flag'])('is refused as a %s', (change) => {
    const asked = {
      request: { change },
      pins: [pin('v2')],
      rollback: good,
      identity: vouched,
      policy: { passes: ['hotfix', 'security', 'flag'] as const },
    };
    expect(said(asked)).toBe('freeze pinned_version');
  });

  test.each<[string, InputOptions, string]>([
    [
      'and also when its commit is what is pinned',
      { request: { version: null, commit: 'abc' }, pins: [pin('abc')] },
      'freeze pinned_version',
    ],
    ['but a newer one is not', { request: { version: 'v3' }, pins: [pin('v2')] }, 'allow clear'],
    ['nor is it elsewhere', { pins: [pin('v2', serviceEnvironment('search'))] }, 'allow clear'],
    [
      'also by the digest of its image',
      { request: { version: `sha256:${'b'.repeat(64)}` }, pins: [pin('stable', { artifact: imageOf('b') })] },
      'freeze pinned_version',
    ],
    [
      'also by its tag and digest',
      { request: { version: `stable@sha256:${'b'.repeat(64)}` }, pins: [pin('stable', { artifact: imageOf('b') })] },
      'freeze pinned_version',
    ],
    [
      'but another image of its tag is not',
      { request: { version: `stable@sha256:${'c'.repeat(64)}` }, pins: [pin('stable', { artifact: imageOf('b') })] },
      'allow clear',
    ],
    [
      'also while a newer one runs',
      { pins: [pin('v2', { newer_version: Version.parse('v3') })] },
      'freeze pinned_version',
    ],
    ['nor after its pin was lifted', { pins: [pin('v2', { state: 'lifted' })] }, 'allow clear'],
    [
      'may be affected if the request has no version',
      { request: { version: null }, pins: [pin('v2')] },
      'warn pinned_version',
    ],
    [
      'is not affected by a flag change',
      { request: { version: null, change: 'flag' }, pins: [pin('v2')] },
      'allow clear',
    ],
  ])('%s', (_, asked, expected) => {
    expect(said(asked)).toBe(expected);
  });

  test('suggests how to proceed', () => {
    expect(textOf({ pins: [pin('v2')] })).toMatch(
      /v2 has been pinned as known bad since 2026-11-20 11:00 UTC .*deploy another version.*firebreak pins lift pin_v2/,
    );
  });
});

describe('data', () => {
  const stale = { afterSeconds: 600 };
  const deny = { stale: { ...stale, deploys: 'deny' as const } };
  test.each<[string, InputOptions, string, number | null]>([
    ['of ten minutes ago are not stale', { slos: [status({ data_at: at(-10) })] }, 'allow clear', 600],
    ['of more are', { slos: [status({ data_at: at(-11) })] }, 'warn stale_data', 660],
    ['that are stale can refuse', { slos: [status({ data_at: at(-11) })], policy: deny }, 'freeze stale_data', 660],
    ['of which there never were any are stale', { slos: [status({ data_at: null })] }, 'warn stale_data', null],
    [
      'of an objective that was never evaluated are, too',
      { slos: [], objectives: 1, evaluatedAt: null },
      'warn stale_data',
      null,
    ],
    ['are as old as the oldest', { slos: [status(), status({ data_at: at(-5) })] }, 'allow clear', 300],
    ['of a clock that is ahead are new', { slos: [status({ data_at: at(1) })] }, 'allow clear', 0],
    ['are not needed without objectives', { slos: [], policy: deny }, 'allow clear', null],
    [
      'nor where objectives freeze nothing',
      { slos: [status({ data_at: null })], policy: { ...deny, budget: null, burn: 'off' } },
      'allow clear',
      null,
    ],
    [
      'that are stale do not lift a freeze',
      { freezes: [frozen], slos: [status({ data_at: at(-11) })] },
      'freeze budget_spent stale_data',
      660,
    ],
  ])('%s', (_, asked, expected, age) => {
    const { stale: isStale, data_age_s } = decided(asked);
    expect([said(asked), data_age_s, isStale]).toEqual([expected, age, expected.includes('stale')]);
  });

  test('the problem is reported', () => {
    const asked = { slos: [status({ data_at: at(-23), problem: 'Prometheus does not answer' })], policy: deny };
    expect(textOf(asked)).toBe(
      'the data of checkout-availability are 23 min old: Prometheus does not answer; data are too old after 10 min; the policy does not allow deploys in that case',
    );
    expect(decided(asked).clears_when).toBe('when Prometheus answers again and an evaluation has succeeded');
  });
});

describe('a service that is not in the catalogue', () => {
  test.each<[string, InputOptions, string]>([
    ['is allowed', { isKnownService: false }, 'warn unknown_service'],
    ['or not, by policy', { isKnownService: false, unknownService: 'deny' }, 'freeze unknown_service'],
    [
      'is frozen with everything',
      { isKnownService: false, freezes: [freeze('person', { service: null })] },
      'freeze person unknown_service',
    ],
  ])('%s', (_, asked, expected) => {
    expect(said(asked)).toBe(expected);
  });
});

describe('dependencies of the service', () => {
  const dependency = (more: Partial<Freeze> = {}, cause: Freeze['cause'] = 'budget'): CheckInputs['dependencies'] => [
    {
      scope: serviceEnvironment('payments-api'),
      state: { freezes: [freeze(cause, { service: serviceEnvironment('payments-api').service, ...more })], slos: [] },
    },
  ];
  test.each<[string, InputOptions, string]>([
    ['warns when it is frozen', { dependencies: dependency() }, 'warn dependency_frozen'],
    ['or freezes, by policy', { dependencies: dependency(), policy: { dependants: 'on' } }, 'freeze dependency_frozen'],
    ['or does nothing', { dependencies: dependency(), policy: { dependants: 'off' } }, 'allow clear'],
    [
      'is of no account by the calendar of others',
      { dependencies: dependency({}, 'calendar'), policy: { dependants: 'on' } },
      'allow clear',
    ],
    [
      'is of no account when it is over',
      { dependencies: dependency({ ended_at: at(-1), ended_by: 'evaluation' }) },
      'allow clear',
    ],
    [
      'lets through by an override',
      { dependencies: dependency({ overrides: [override()] }), policy: { dependants: 'on' } },
      'warn override dependency_frozen',
    ],
    [
      'counts once where both are frozen together',
      { dependencies: dependency({ service: null }, 'person'), freezes: [freeze('person', { service: null })] },
      'freeze person',
    ],
  ])('%s', (_, asked, expected) => {
    expect(said(asked)).toBe(expected);
  });
});

describe('the end of a freeze', () => {
  const kept = freeze('budget', { not_before: at(10) });
  test('for a budget: forecast, but not before its minimum duration', () => {
    const asked = {
      freezes: [kept],
      slos: [status({ spent: 2.976, forecast: { lifts_at: at(600), lifts_at_present_burn: null } })],
    };
    const { clears_when, next_transition_at } = decided(asked);
    expect(clears_when).toBe(
      'when less than 95 % of the budget of checkout-availability is spent, not before 2026-11-20 12:10 UTC; forecast: about 2026-11-20 22:00 UTC if nothing else fails; at the current burn rate, not foreseeable',
    );
    expect(next_transition_at).toBe(at(600));
    expect(textOf(asked)).toMatch(
      /^because of budget; now 297\.6 % is spent; freeze frz_budget, for checkout in production, since 2026-11-20 11:30 UTC; it ends when .*; to deploy anyway, .* firebreak freeze override frz_budget --reason … \(POST \/v1\/freezes\/frz_budget\/overrides\)$/,
    );
  });

  test('a forecast before the minimum duration counts from its end', () => {
    expect(
      decided({ freezes: [kept], slos: [status({ spent: 1, forecast: { lifts_at: at(1) } })] }).next_transition_at,
    ).toBe(at(10));
  });

  test.each<[string, InputOptions, string, string]>([
    [
      'of a budget that has recovered: its minimum duration',
      { freezes: [kept], slos: [status({ spent: 0.9 })] },
      'minimum_duration',
      at(10),
    ],
    [
      'after that: the next evaluation',
      { freezes: [frozen], slos: [status({ spent: 0.9 })] },
      'minimum_duration',
      at(1),
    ],
    [
      'of a burn rate that has cooled: the same',
      { freezes: [freeze('burn', { not_before: at(10) })] },
      'minimum_duration',
      at(10),
    ],
    ['of the calendar: its end', { calendar: [planned] }, 'calendar', at(60)],
  ])('%s', (_, asked, code, next) => {
    expect([codes(asked)[0], decided(asked).next_transition_at]).toEqual([code, next]);
  });

  test('a budget between the levels keeps its freeze', () => {
    expect(codes({ freezes: [kept], slos: [status({ spent: 0.95 })] })).toEqual(['budget_spent']);
    expect(codes({ freezes: [kept], slos: [status({ spent: 0.9499 })] })).toEqual(['minimum_duration']);
  });

  test('the next transition is the earliest one', () => {
    const later = freeze('person', { id: 'frz_later', starts_at: at(20) });
    expect(decided({ freezes: [later] }).next_transition_at).toBe(at(20));
    expect(decided({ freezes: [later], calendar: [planned] }).next_transition_at).toBe(at(20));
    const overridden = freeze('person', { overrides: [override({ expires_at: at(5) })] });
    expect(decided({ freezes: [later, overridden] }).next_transition_at).toBe(at(5));
    expect(decided({ slos: [status({ spent: 0.8, forecast: { spent_at: at(30) } })] }).next_transition_at).toBe(at(30));
    expect(decided({}).next_transition_at).toBeNull();
  });

  test('with several refusals: all of them', () => {
    expect(
      decided({ calendar: [planned], incidents: [freeze('incident', { ends_when: 'the incident is resolved' })] })
        .clears_when,
    ).toBe('at 2026-11-20 13:00 UTC; and when the incident is resolved');
    expect(decided({}).clears_when).toBeNull();
  });
});

describe('an alert freeze that a person lifted while the alert fires', () => {
  const opened = freeze('burn', { opened_by: 'alertmanager', opened_at: at(-2), reason: 'it burns, says the alert' });
  const lifted = { ...opened, ended_at: at(-1), ended_by: 'person:bo', end_reason: 'it is a test' };
  const warned = {
    verdict: 'warn',
    reasons: [
      {
        code: 'burn_rate',
        text: 'it burns, says the alert',
        more: [`person:bo lifted the freeze ${opened.id}: it is a test`],
      },
    ],
  };

  test.each<[string, InputOptions]>([
    ['data are good', { slos: [status({ data_at: at(-0.5) })] }],
    ['nothing is known', {}],
    ['data tell nothing', { slos: [status({ state: 'no_data' })] }],
  ])('is a warning if %s, with person and reason', (_, asked) => {
    expect(decided({ ...asked, freezes: [lifted] })).toMatchObject(warned);
  });

  test('is reported once if data show the same', () => {
    const { reasons } = decided({ slos: [status({ burning: [PAGE] })], freezes: [lifted] });
    expect(reasons).toEqual([
      {
        code: 'burn_rate',
        text: expect.stringContaining('14.4 times'),
        more: [expect.stringContaining('bo lifted')],
      },
    ]);
  });

  test.each<[string, InputOptions, string]>([
    ['its cause was over once', { freezes: [{ ...lifted, settled_at: NOON }] }, 'allow'],
    ['burn rates freeze no more', { freezes: [lifted], policy: { burn: 'off' } }, 'allow'],
    ['another alert freezes', { freezes: [lifted, { ...opened, id: 'frz_next' }] }, 'freeze'],
  ])('is no warning if %s', (_, asked, verdict) => {
    const decision = decided(asked);
    expect([decision.verdict, JSON.stringify(decision.reasons)]).toEqual([
      verdict,
      expect.not.stringMatching('lifted'),
    ]);
  });
});

describe('the state behind a decision', () => {
  const same = (a: InputOptions, b: InputOptions): boolean =>
    JSON.stringify(stateOf(inputs(a))) === JSON.stringify(stateOf(inputs(b)));
  test('contains no clock and no changing numbers', () => {
    expect(same(spent, { ...spent, at: at(3), slos: [status({ spent: 1.3, data_at: at(3) })] })).toBe(true);
    const low = (share: number): InputOptions => ({
      slos: [status({ spent: share, forecast: { spent_at: at(share * 100) } })],
    });
    expect(same(low(0.8), low(0.9))).toBe(true);
    const late = (minutes: number): InputOptions => ({ slos: [status({ data_at: at(-minutes) })] });
    expect(same(late(11), late(20))).toBe(true);
  });

  test('contains all other inputs', () => {
    expect(same({}, spent)).toBe(false);
    expect(same({ calendar: [planned] }, { calendar: [{ ...planned, until: at(61) }] })).toBe(false);
    expect(same({ slos: [status({ spent: 0.8 })] }, {})).toBe(false);
    const used1 = { freezes: [freeze('person', { overrides: [override()] })] };
    expect(same(used1, { freezes: [freeze('person', { overrides: [override({ id: 'ovr_2' })] })] })).toBe(false);
  });

  test('does not depend on the order of reading', () => {
    const two = [status(), { ...status({ spent: 0.8 }), id: slo('other').id }];
    expect(same({ slos: two }, { slos: two.toReversed() })).toBe(true);
  });
});
