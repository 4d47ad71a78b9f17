import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Against, StepGuards } from '../../../../core/domain/rollback/guard.ts';
import { permit, type QuestionInputs, approvalReasons } from '../../../../core/domain/runbooks/permission.ts';
import { MIN_CONFIDENCE_TO_ACT } from '../../../../core/domain/correlation/correlate.ts';
import { Mode, Version } from '../../../../schemas/config/names.ts';

const against: fc.Arbitrary<Against> = fc.record({
  change_id: fc.constant('chg_1'),
  suspect: fc.option(
    fc.record({
      version: fc.constant(Version.parse('new-cart')),
      confidence: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
      relation: fc.constantFrom('same' as const, 'dependency' as const, 'shared' as const),
      timing: fc.constantFrom('finished_before' as const, 'clock_skew' as const),
      approvalReasons: fc.constant([]),
      service: fc.constant('checkout'),
      status: fc.constantFrom('succeeded' as const, 'failed' as const),
    }),
  ),
  lacking: fc.constantFrom(null, 'not proved'),
  neighbours_unreadable: fc.boolean(),
  monitoring_failure_only: fc.boolean(),
});

const guards: fc.Arbitrary<StepGuards> = fc.record(
  {
    service: fc.constant('checkout'),
    matched: fc.boolean(),
    guard: fc.oneof(
      fc.boolean().map((paused) => ({ state: 'read' as const, paused })),
      fc.constant({ state: 'unreadable' as const, detail: 'no answer' }),
    ),
    incident_paused: fc.boolean(),
    one_of_many: fc.boolean(),
    demoted: fc.boolean(),
    modes: fc.array(fc.constantFrom(...Mode.options), { maxLength: 4 }),
    requires_approval: fc.boolean(),
    against,
  },
  {
    requiredKeys: [
      'service',
      'matched',
      'guard',
      'incident_paused',
      'one_of_many',
      'demoted',
      'modes',
      'requires_approval',
    ],
  },
);

const CLEAR: StepGuards = {
  service: 'checkout',
  matched: true,
  guard: { state: 'read', paused: false },
  incident_paused: false,
  one_of_many: false,
  demoted: false,
  modes: ['act'],
  requires_approval: false,
};

/** A flag of the same service, with the certainty that a rollback requires of a version. */
const SURE: Against = {
  change_id: 'chg_1',
  suspect: {
    version: Version.parse('new-cart'),
    confidence: MIN_CONFIDENCE_TO_ACT,
    relation: 'same',
    timing: 'finished_before',
    approvalReasons: [],
    service: 'checkout',
    status: 'succeeded',
  },
  lacking: null,
  neighbours_unreadable: false,
  monitoring_failure_only: false,
};

/** Builds guards for a step that is based on a suspect with these properties. */
const meant = (suspect: object, more: object = {}): Partial<StepGuards> => ({
  against: { ...SURE, ...more, suspect: { ...SURE.suspect, ...suspect } as Against['suspect'] },
});

/** From automatic action to refusal. */
const STRICTNESS = ['act', 'ask', 'say', 'no'];
const strictness = (given: StepGuards): number => STRICTNESS.indexOf(permit(given).kind);

/** All additional restrictions. */
const MORE: Record<string, Partial<StepGuards>> = {
  'an unknown service': { matched: false },
  'a kill switch that cannot be read': { guard: { state: 'unreadable', detail: 'no answer' } },
  'a pause of the incident': { incident_paused: true },
  'many at once': { one_of_many: true },
  'a demoted service': { demoted: true },
  'a runbook that asks': { requires_approval: true },
  'an old problem': { onset_old: 'it began 25 days before' },
};

/** Guards of a step that is not based on a suspect. */
const unmeant = guards.filter((given) => given.against === undefined);

describe('permission of a runbook step to change production', () => {
  test.each<[string, Partial<StepGuards>, string, string[]]>([
    ['alone where nothing stands against it', {}, 'act', []],
    ['after a yes where the runbook asks', { requires_approval: true }, 'ask', ['runbook_requires_approval']],
    ['after a yes where any of the modes is approve', { modes: ['act', 'approve', 'act'] }, 'ask', ['mode_approve']],
    ['after a yes where the problem is old', { onset_old: 'it began 25 days before' }, 'ask', ['onset_old']],
    ['after a yes where the service is demoted', { demoted: true }, 'ask', ['automation_budget_spent']],
    ['after a yes where many fail at once', { one_of_many: true }, 'ask', ['one_of_many']],
    ['alone against a suspect that is sure enough', meant({}), 'act', []],
    ['after a yes against one that is not', meant({ confidence: 0.1 }), 'ask', ['no_confident_suspect']],
    ['after a yes against one of another service', meant({ relation: 'dependency' }), 'ask', ['another_service']],
    ['after a yes against one that is younger than it', meant({ timing: 'clock_skew' }), 'ask', ['clock_skew']],
    ['after a yes against one that failed', meant({ status: 'failed' }), 'ask', ['deploy_failed']],
    ['after a yes where policy wants proof', meant({}, { lacking: 'not proved' }), 'ask', ['not_proved']],
    [
      'after a yes where others cannot be seen',
      meant({}, { neighbours_unreadable: true }),
      'ask',
      ['neighbours_unreadable'],
    ],
    [
      'after a yes where only monitoring fails',
      meant({}, { monitoring_failure_only: true }),
      'ask',
      ['monitoring_failure'],
    ],
    [
      'after a yes where it is suspected no more',
      { against: { ...SURE, suspect: null } },
      'ask',
      ['no_confident_suspect'],
    ],
    [
      'after a yes against one of many that fail, for that reason alone',
      { ...meant({ confidence: 0.1 }), one_of_many: true },
      'ask',
      ['one_of_many'],
    ],
    ['not in mode suggest', { modes: ['suggest', 'act'], requires_approval: true }, 'say', ['mode_suggest']],
    ['not in mode shadow', { modes: ['shadow'] }, 'say', ['mode_shadow']],
    ['not while the kill switch is on', { guard: { state: 'read', paused: true } }, 'say', ['paused']],
    ['not while the incident is paused', { incident_paused: true }, 'say', ['incident_paused']],
    ['never for what no entry of the catalogue matches', { matched: false, modes: ['shadow'] }, 'no', ['unmatched']],
    [
      'never where the kill switch cannot be read',
      { guard: { state: 'unreadable', detail: 'throttled' } },
      'no',
      ['guard_unreadable'],
    ],
  ])('%s', (_, given, kind, codes) => {
    const permission = permit({ ...CLEAR, ...given });
    expect(permission.kind).toBe(kind);
    expect(permission.kind === 'act' ? [] : permission.reasons.map(({ code }) => code)).toEqual(codes);
  });

  test.each(Object.entries(MORE))('%s never permits more', (_, more) => {
    fc.assert(fc.property(guards, (given) => strictness({ ...given, ...more }) >= strictness(given)));
  });

  test('nor does any suspect that the step is based on', () => {
    fc.assert(
      fc.property(unmeant, against, (given, more) => strictness({ ...given, against: more }) >= strictness(given)),
    );
  });

  test('a suspect permits automatic action only at the confidence that a rollback requires', () => {
    fc.assert(
      fc.property(guards, ({ against: found, ...given }) => {
        if (found === undefined || permit({ ...given, against: found }).kind !== 'act') return;
        expect(found.suspect?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
        expect(given.one_of_many).toBe(false);
      }),
    );
  });

  test('nor does any other mode', () => {
    fc.assert(
      fc.property(guards, fc.constantFrom(...Mode.options), (given, mode) => {
        expect(strictness({ ...given, modes: [...given.modes, mode] })).toBeGreaterThanOrEqual(strictness(given));
      }),
    );
  });

  test('every restriction has a reason, without duplicates', () => {
    fc.assert(
      fc.property(guards, (given) => {
        const permission = permit(given);
        if (permission.kind === 'act') return;
        const codes = permission.reasons.map(({ code }) => code);
        expect(codes.length).toBeGreaterThan(0);
        expect(new Set(codes).size).toBe(codes.length);
      }),
    );
  });

  test('the stored inputs give the same result', () => {
    fc.assert(
      fc.property(guards, (given) => {
        expect(permit(JSON.parse(JSON.stringify(given)) as StepGuards)).toEqual(permit(given));
      }),
    );
  });
});

describe('the reasons to ask a person', () => {
  const question = (given: StepGuards, only_asks = false): QuestionInputs => ({
    runbook: 'stuck-queue',
    title: 'The queue is stuck',
    version: 'abc',
    step: 'drain',
    only_asks,
    guards: given,
  });

  test('are those of the guards, and empty if no approval is required', () => {
    fc.assert(
      fc.property(guards, (given) => {
        const permission = permit(given);
        expect(approvalReasons(question(given))).toEqual(permission.kind === 'ask' ? permission.reasons : []);
      }),
    );
  });

  test('are only the runbook for a step that only asks', () => {
    expect(approvalReasons(question({ ...CLEAR, modes: ['shadow'] }, true))).toEqual([
      { code: 'runbook_requires_approval', text: 'the runbook "The queue is stuck" asks for approval' },
    ]);
  });
});
