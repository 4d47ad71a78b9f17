import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ORGANISATION_ROLLBACKS_PER_HOUR, ROLLBACKS_PER_HOUR } from '../../../../core/domain/rollback/guard-facts.ts';
import {
  asksByModeAlone,
  type Decision,
  type DecisionInputs,
  type TargetInputs,
} from '../../../../core/domain/rollback/judgement.ts';
import type { Failing } from '../../../../core/domain/correlation/evidence.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { IMPROBABLE } from '../../../../core/domain/correlation/words.ts';
import { byStart, newestLiveChange } from '../../../../core/domain/changes/versions.ts';
import { lowestMode, Mode, type ServiceName, type Version } from '../../../../schemas/config/names.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { ClearedSuspect, DecisionKind } from '../../../../schemas/incidents/incident.ts';
import { LookVerdict } from '../../../../schemas/incidents/look.ts';
import { plusSeconds, secondsBetween } from '../../../../schemas/time/time.ts';
import {
  aBadDeploy,
  anyPlain,
  before,
  change,
  clear,
  clearing,
  clearly,
  INCIDENT,
  inputsOf,
  NOON,
  type Plain,
} from '../../arbitraries.ts';
import * as scenes from '../correlation/scenes.ts';
import { runs } from '../../../support/runs.ts';

const codes = ({ reasons }: Decision): string[] => reasons.map(({ code }) => code);

/** From no action to automatic action. */
const STRENGTH: readonly DecisionKind[] = ['none', 'shadow', 'suggest', 'approve', 'roll_back'];
const strength = (inputs: DecisionInputs): number => STRENGTH.indexOf(decide(inputs).kind);

describe('a bad deploy with a requesting alert and no guard against it', () => {
  test('is rolled back to the previous version', () => {
    expect(decide(clear())).toMatchObject({ kind: 'roll_back', from: 'v2', to: 'v1', onset: { from: 'alert' } });
  });

  test('has a cause with confidence', () => {
    const [why] = decide(clear()).reasons;
    expect(why).toEqual({
      code: 'suspect',
      text: 'Probable cause: v2 (94 %), because deploy of v2 finished 5 min before the problem began',
      more: [],
    });
  });
});

/** Single guards: the decision, and the code of its reason. */
const guards: [sentence: string, kind: DecisionKind, because: string, against: Partial<Plain>][] = [
  ['mode shadow only records', 'shadow', 'mode_shadow', { policy: { mode: 'shadow', unknownMigration: 'approve' } }],
  [
    'mode suggest only suggests',
    'suggest',
    'mode_suggest',
    { policy: { mode: 'suggest', unknownMigration: 'approve' } },
  ],
  [
    'mode approve requires approval',
    'approve',
    'mode_approve',
    { policy: { mode: 'approve', unknownMigration: 'approve' } },
  ],
  ['a live mode below the configured one applies', 'suggest', 'mode_suggest', { modes: ['act', 'suggest'] }],
  [
    'a live mode above the configured one does not apply',
    'approve',
    'mode_approve',
    {
      policy: { mode: 'approve', unknownMigration: 'approve' },
      modes: ['act'],
    },
  ],
  ['the kill switch allows only a suggestion', 'suggest', 'paused', { guard: { state: 'read', paused: true } }],
  [
    'an unreadable kill switch prevents any action',
    'none',
    'guard_unreadable',
    { guard: { state: 'unreadable', detail: 'time-out' } },
  ],
  [
    'an incident that a person has paused allows only a suggestion',
    'suggest',
    'incident_paused',
    { incident_paused: true },
  ],
  [
    'a sender without permission gets only a suggestion',
    'suggest',
    'sender_lacks_scope',
    { request: { by: 'none', name: '' }, sender_lacks_scope: true },
  ],
  [
    'a sender without permission gets only a suggestion through a runbook',
    'suggest',
    'sender_lacks_scope',
    { request: { by: 'runbook', name: 'r' }, sender_lacks_scope: true },
  ],
  [
    'after five rollbacks of one sender within an hour, approval is required',
    'approve',
    'sender_limit',
    { sender_rollbacks_last_hour: 5 },
  ],
  [
    'without an alert that requests a rollback, there is only a suggestion',
    'suggest',
    'not_requested',
    { request: { by: 'none', name: '' } },
  ],
  [
    'monitoring that failed says nothing about the service',
    'suggest',
    'monitoring_failure',
    { monitoring_failure_only: true },
  ],
  [
    'an alert that has only returned with the same start requires approval',
    'approve',
    'alert_returned',
    { returned_only: true },
  ],
  ['an unmatched alert never causes an action', 'none', 'unmatched', { matched: false }],
  ['without a deployer, no action is possible', 'none', 'no_deployer', { has_deployer: false }],
  ['without any change there is no suspect', 'none', 'no_confident_suspect', { changes: [] }],
  [
    'a change that was live for long is no suspect',
    'none',
    'no_confident_suspect',
    { changes: [change('v1', 240), change('v2', 40)] },
  ],
  [
    'a change after the onset is no suspect',
    'none',
    'no_confident_suspect',
    { changes: [change('v1', 240), change('v2', -2)] },
  ],
  [
    'a flag is not undone by rolling a version back',
    'none',
    'not_a_deploy',
    { changes: [change('v1', 240), change('flag', 10, { kind: 'flag' })] },
  ],
  [
    'a migration needs a person',
    'approve',
    'migration_in_deploy',
    { changes: [change('v1', 240), change('v2', 8, { has_migration: true })] },
  ],
  [
    'not knowing of a migration needs a person',
    'approve',
    'migration_unknown',
    { changes: [change('v1', 240), change('v2', 8, { has_migration: null })] },
  ],
  ['no version known good means no', 'none', 'no_known_good_version', { changes: [change('v2', 8)] }],
  [
    'a version that was live for 20 minutes only is not known good',
    'none',
    'no_known_good_version',
    { changes: [change('v1', 33), change('v2', 8)] },
  ],
  [
    'a version rolled back before is a loop',
    'approve',
    'already_rolled_back',
    {
      changes: [
        change('v1', 240),
        change('v2', 100, { rolled_back_by: 'another' }),
        change('v1', 90, { kind: 'rollback' }),
        change('v2', 8),
      ],
    },
  ],
  [
    'a version that others have rolled back before is a loop, too',
    'approve',
    'already_rolled_back',
    {
      changes: [
        change('v1', 240),
        change('v2', 100),
        change('v1', 90, { kind: 'rollback', previous_version: 'v2' }),
        change('v2', 8),
      ],
    },
  ],
  [
    `the hour's ${ROLLBACKS_PER_HOUR} rollbacks are used up`,
    'approve',
    'rate_limited',
    { rollbacks_last_hour: ROLLBACKS_PER_HOUR },
  ],
  [
    'a change that seems to have begun 60 s after the onset is for a person',
    'approve',
    'clock_skew',
    { changes: [change('v1', 240), change('v2', -1)] },
  ],
  [
    `the hour's ${ORGANISATION_ROLLBACKS_PER_HOUR} rollbacks of all services are used up`,
    'approve',
    'organisation_limit',
    { organisation_rollbacks_last_hour: ORGANISATION_ROLLBACKS_PER_HOUR },
  ],
  ['an automation that was wrong too often asks', 'approve', 'automation_budget_spent', { demoted: true }],
  ['a mitigation that has not helped', 'approve', 'first_did_not_help', { request: { by: 'verification', name: '' } }],
  [
    'an incident that has led to a rollback, which helped',
    'approve',
    'second_rollback',
    { changes: [change('v1', 240), change('v0', 60, { rolled_back_by: INCIDENT }), change('v2', 8)] },
  ],
  ['a runbook may ask less', 'approve', 'runbook_mode', { request: { by: 'runbook', name: 'r', mode: 'approve' } }],
  [
    'a runbook may want a person to be for it',
    'approve',
    'runbook_requires_approval',
    { request: { by: 'runbook', name: 'r', approval: { people: null, seconds: null } } },
  ],
  ['many at once', 'approve', 'one_of_many', { one_of_many: true }],
  [
    'many at once, which no deploy of one service explains',
    'none',
    'no_confident_suspect',
    {
      one_of_many: true,
      evidence: {
        failing: ['cart', 'mail', 'search', 'stock'].map((service) => ({
          service,
          since: before(4),
          relation: 'unrelated' as const,
          changed_at: null,
        })),
      },
    },
  ],
  ['not knowing what else fails', 'approve', 'neighbours_unreadable', { neighbours_unreadable: true }],
  ['a pinned version is no target', 'none', 'no_known_good_version', { pinned: ['v1'] }],
  [
    'a deploy that failed leaves open what runs',
    'approve',
    'deploy_failed',
    { changes: [change('v1', 240), change('v2', 8, { status: 'failed' })] },
  ],
  [
    'something newer has been shipped since',
    'suggest',
    'superseded',
    { changes: [change('v1', 240), change('v2', 8), change('v3', -3)] },
  ],
];

describe('a guard against the rollback is the first reason:', () => {
  test.each(guards)('%s', (_sentence, kind, because, against) => {
    const decision = decide(clear(against));
    expect({ kind: decision.kind, because: codes(decision)[0] }).toEqual({ kind, because });
  });

  test.each([
    ['deploy', 'v3', 'v3 was deployed since, so v2 is no longer running'],
    ['rollback', 'v1', 'v1 was restored since, so v2 is no longer running'],
  ] as const)('a %s that has replaced the suspect is named', (kind, version, text) => {
    const changes = [change('v1', 240), change('v2', 8), change(version, -3, { kind })];
    expect(decide(clear({ changes })).reasons[0]).toEqual({ code: 'superseded', text });
  });

  test.each([
    ['infrastructure', 'an infrastructure change'],
    ['experiment', 'an experiment'],
    ['config', 'a configuration change'],
    ['flag', 'a feature flag change'],
  ] as const)('a change that cannot be rolled back is named by its kind: %s', (kind, called) => {
    const { reasons } = decide(clear({ changes: [change('v1', 240), change('x1', 10, { kind })] }));
    expect(reasons[0]?.text).toBe(`the suspect is ${called}, which rolling back the version does not undo`);
  });

  test('all applicable guards are listed, those of the effective mode before those that ask', () => {
    const decision = decide(
      clear({
        policy: { mode: 'suggest', unknownMigration: 'approve' },
        changes: [change('v1', 240), change('v2', 8, { has_migration: true })],
        rollbacks_last_hour: 5,
        incident_paused: true,
      }),
    );
    expect(codes(decision)).toEqual([
      'mode_suggest',
      'incident_paused',
      'migration_in_deploy',
      'rate_limited',
      'evidence',
      'suspect',
    ]);
  });
});

describe('not a guard:', () => {
  test('an unknown migration, if the policy permits it', () => {
    const changes = [change('v1', 240), change('v2', 8, { has_migration: null })];
    expect(decide(clear({ changes, policy: { mode: 'act', unknownMigration: 'act' } })).kind).toBe('roll_back');
  });

  test('the third rollback of the hour', () => {
    expect(decide(clear({ rollbacks_last_hour: ROLLBACKS_PER_HOUR - 1 })).kind).toBe('roll_back');
  });

  test('a deploy that was rolling out at the onset', () => {
    const changes = [change('v1', 240), change('v2', 2, { status: 'started', finished_at: null })];
    expect(decide(clear({ changes }))).toMatchObject({ kind: 'roll_back', from: 'v2', to: 'v1' });
  });

  test("the incident's own rollback, which is not a suspect", () => {
    const ours = change('v1', 5, { kind: 'rollback', made_for: INCIDENT });
    const decision = decide(clear({ changes: [...aBadDeploy(), ours] }));
    expect(decision.suspects.map(({ version }) => version)).toEqual(['v2']);
    expect(decision.suspects[0]?.confidence).toBeLessThan(IMPROBABLE);
    expect(decision.kind).toBe('none'); // v2 was gone when the problem began
  });
});

describe('a version that ran before the suspect, for too short to be known good,', () => {
  const changes = (more: Partial<Change> = {}) => [
    change('v1', 240),
    change('v2', 20, { has_migration: true, ...more }),
    change('v3', 8),
  ];
  const versions = ({ offers }: Decision) => offers?.map(({ from_version: from, to_version: to }) => [from, to]);

  test('is named by the question, and offered beside the target', () => {
    const decision = decide(clear({ changes: changes() }));
    expect(decision).toMatchObject({ kind: 'approve', from: 'v3', to: 'v1' });
    expect(versions(decision)).toEqual([
      ['v3', 'v1'],
      ['v3', 'v2'],
    ]);
    expect(decision.reasons).toContainEqual({
      code: 'version_skipped',
      text: 'v2 was live for only 9 min before v3, and is known good after 30 min',
    });
  });

  test.each<[string, Partial<Plain>]>([
    ['if it was rolled back', { changes: changes({ rolled_back_by: INCIDENT }) }],
    ['if it is pinned', { changes: changes(), pinned: ['v2'] }],
    ['if it failed', { changes: changes({ status: 'failed' }) }],
    [
      'if it is known good',
      { changes: [change('v1', 240), change('v2', 60), change('v3', 8, { has_migration: true })] },
    ],
  ])('is not offered %s', (_, more) => {
    const decision = decide(clear(more));
    expect(versions(decision) ?? []).not.toContainEqual(['v3', 'v2']);
    expect(codes(decision)).not.toContain('version_skipped');
  });

  test('changes nothing about what is done without a question', () => {
    const evidence = {
      health: scenes.step(0.001, 0.4),
      by_version: [scenes.versionAt('v3', 0.8, 0.5), scenes.versionAt('v2', 0.001, 0.5)],
    };
    const decision = decide(clear({ changes: changes({ has_migration: false }), evidence }));
    expect(decision).toMatchObject({ kind: 'roll_back', to: 'v1' });
    expect(decision.offers).toBeUndefined();
  });
});

describe('several possible causes:', () => {
  const flag = change('new-cart', 12, { kind: 'flag' });
  const rollBack = { act: 'roll_back', from_version: 'v2', to_version: 'v1', service: 'checkout' };
  const turnOff = { act: 'turn_off_flag', from_version: 'new-cart', to_version: null, service: 'checkout' };

  test('none leads if probably no change is the cause: only the first is described, once', () => {
    const failing = (['ads', 'mail', 'web'] as ServiceName[]).map((service): Failing => ({
      service,
      relation: 'unrelated',
      since: before(0),
      changed_at: null,
    }));
    const decision = decide(clear({ changes: [...aBadDeploy(), flag], evidence: { failing } }));
    expect(decision.suspects).toHaveLength(2);
    expect(decision).toMatchObject({ kind: 'none', from: decision.suspects[0]?.version });
    expect(codes(decision)).toEqual(['no_confident_suspect', 'several_fail', 'suspect', 'candidates']);
  });

  test('a flag that is turned on, off, and on again is one suspect, with one act', () => {
    const flips = [
      change('new-cart 1 (on)', 20, { kind: 'flag' }),
      change('new-cart 2 (off)', 16, { kind: 'flag' }),
      change('new-cart 3 (on)', 12, { kind: 'flag' }),
      change('other 1 (on)', 25, { kind: 'flag' }),
    ];
    const { targets, ...inputs } = clear({ changes: [change('v1', 600), ...flips] });
    const decision = decide({ ...inputs, targets: targets.map((one) => ({ ...one, has_flags: true })) });
    expect(decision.suspects.map(({ version }) => version)).toEqual(['new-cart 3 (on)', 'other 1 (on)']);
    expect(decision.offers?.filter(({ from_version: from }) => from === 'new-cart')).toHaveLength(1);
  });

  test('a flag change and a deploy that tie are both named, and a person chooses', () => {
    const inputs = clear({ changes: [...aBadDeploy(), flag] });
    const decision = decide(inputs);
    expect(decision).toMatchObject({ kind: 'approve', from: null, to: null, target: null, offers: [rollBack] });
    expect(decision.reasons.slice(0, 1)).toEqual([
      { code: 'candidates_tie', text: '2 candidates are about equally probable' },
    ]);
    const texts = decision.reasons.map(({ text }) => text);
    expect(texts).toContainEqual(expect.stringMatching(/^candidates: .*deploy v2 of checkout \(\d\d %\)/));
    expect(texts).toContainEqual(expect.stringMatching(/^candidates: .*flag new-cart of checkout \(\d\d %\)/));
    expect(texts).toContain('if flag new-cart is the cause, switch it back in the flag service of checkout');
    const [own] = inputs.targets;
    const withFlags = decide({ ...inputs, targets: own === undefined ? [] : [{ ...own, has_flags: true }] });
    expect(withFlags.offers).toHaveLength(2);
    expect(withFlags.offers).toEqual(
      expect.arrayContaining([rollBack, turnOff].map((one) => expect.objectContaining(one))),
    );
    expect(codes(withFlags)).not.toContain('by_hand');
  });

  test('a configuration change that leads by little is named, and the deploy that ties is not offered', () => {
    const config = change('cache-size', 4, { kind: 'config' });
    const decision = decide(clear({ changes: [...aBadDeploy(), config] }));
    const [first, second] = decision.suspects;
    expect([first?.version, second?.version]).toEqual(['cache-size', 'v2']);
    expect((first?.confidence ?? 0) - (second?.confidence ?? 0)).toBeLessThan(0.1);
    expect(decision).toMatchObject({ kind: 'none', target: null });
    expect(decision.offers).toBeUndefined();
    expect(decision.reasons.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(
        /^candidates: config cache-size of checkout \(\d\d %\) and deploy v2 of checkout \(\d\d %\)$/,
      ),
    );
    expect(codes(decision)).toContain('by_hand');
  });

  test.each([
    ['new-cart 7 (on)', ['new-cart']],
    ['new-cart on: B (1f2e3d4c)', ['new-cart']],
    ['new-cart 7 (off)', []],
    ['new-cart deleted', []],
  ])('the reported change %j offers to turn off the flag by its key: %j', (version, keys) => {
    const inputs = clear({ changes: [...aBadDeploy(), { ...flag, version: version as typeof flag.version }] });
    const [own] = inputs.targets;
    const decision = decide({ ...inputs, targets: own === undefined ? [] : [{ ...own, has_flags: true }] });
    const offered = (decision.offers ?? []).filter(({ act }) => act === 'turn_off_flag');
    expect(offered.map(({ from_version: key }) => key)).toEqual(keys);
  });

  test.each([true, undefined])(
    'a flag that leads is the only act, never a rollback beside it (flag service: %s)',
    (flags) => {
      const inputs = clear({ changes: [...aBadDeploy(), flag], evidence: { alert_versions: ['v1'] } });
      const [own] = inputs.targets;
      const decision = decide({
        ...inputs,
        targets: own === undefined ? [] : [{ ...own, ...(flags && { has_flags: flags }) }],
      });
      expect(decision.suspects[0]).toMatchObject({ version: 'new-cart' });
      if (flags) expect(decision).toMatchObject({ kind: 'approve', from: null, offers: [turnOff] });
      else {
        expect(decision).toMatchObject({ kind: 'none', from: 'new-cart', to: null });
        expect(codes(decision)).toEqual(expect.arrayContaining(['not_a_deploy', 'by_hand']));
      }
    },
  );

  test('no act is offered against a change that is clearly behind the first', () => {
    fc.assert(
      fc.property(anyPlain, (plain) => {
        const { kind, offers, suspect, suspects } = decide(inputsOf(plain));
        if (plain.request.by === 'person' || (kind !== 'approve' && kind !== 'roll_back')) return;
        for (const id of offers?.map(({ change_id }) => change_id) ?? [suspect]) {
          const { confidence = 0 } = suspects.find(({ change_id }) => change_id === id) ?? {};
          expect(confidence).toBeGreaterThan((suspects[0]?.confidence ?? 1) - 0.1);
        }
      }),
      { numRuns: runs(60) },
    );
  });

  test('of two deploys close together, neither is rolled back automatically', () => {
    const changes = [change('v1', 240), change('v2', 12), change('v3', 8)];
    expect(['roll_back']).not.toContain(decide(clear({ changes })).kind);
  });

  test('a deploy of a dependency asks, and refers to the dependency', () => {
    const theirs = { ...change('p2', 6), service: 'payments' as ServiceName };
    const good = { ...change('p1', 300), service: 'payments' as ServiceName };
    const other = { ...clear().targets[0], service: 'payments' as ServiceName, changes: [good, theirs] };
    const failing = {
      service: 'payments',
      since: NOON,
      relation: 'dependency' as const,
      changed_at: theirs.started_at,
    };
    const decision = decide(
      clear({
        changes: [change('v1', 240)],
        others: [other as TargetInputs],
        evidence: { changes: [{ change: theirs, relation: 'dependency', distance: 1 }], failing: [failing] },
      }),
    );
    expect(decision).toMatchObject({ kind: 'approve', from: 'p2', to: 'p1', target: { service: 'payments' } });
    expect(codes(decision)).toContain('another_service');
  });

  test.each([
    ['nothing if it fails as a consequence', -1, 'none'],
    ['a question if it had failed before', 4, 'approve'],
  ])('of the deploy of a caller, coincidence in time is enough for %s', (_, minutes, kind) => {
    const [good, theirs] = [change('w1', 300), scenes.timed('w2', 500, 420)].map((one) => ({
      ...one,
      service: 'web' as ServiceName,
    }));
    const other = { ...clear().targets[0], service: 'web' as ServiceName, changes: [good, theirs] };
    const decision = decide(
      clear({
        changes: [change('v1', 240)],
        others: [other as TargetInputs],
        evidence: {
          health: scenes.step(0.002, 0.041),
          changes: theirs === undefined ? [] : [{ change: theirs, relation: 'caller', distance: 1 }],
          failing: [scenes.failing('web', 'dependent', minutes)],
        },
      }),
    );
    expect(decision.kind).toBe(kind);
  });
});

test.each([
  ['a question', 0],
  ['an improbable suspect', 3],
])('%s says what speaks against the suspect once', (_, others) => {
  const evidence = scenes.scene({
    changes: [scenes.own(scenes.timed('v42', 60, 60))],
    health: scenes.step(0.001, 0.1),
    traffic: scenes.curve((minutes) => (minutes > 1 ? 120 : 260)),
    failing: ['a', 'b', 'c'].slice(0, others).map((service) => scenes.failing(service, 'unrelated', -0.5)),
  });
  const changes = evidence.changes.map(({ change: one }) => one);
  const { kind, reasons } = decide(clear({ changes: [change('v41', 300), ...changes], evidence }));
  expect(kind).toBe(others === 0 ? 'approve' : 'none');
  const text = reasons.map((one) => one.text).join('\n');
  expect(text.match(/traffic went from 120 to 260/g)).toHaveLength(1);
  expect(codes({ reasons } as Decision)).toContain('suspect');
});

describe('two approvers', () => {
  const policy = { approvals: 2 as const };

  test('are required if the policy asks for two and a guard applies', () => {
    expect(decide(clear({ policy: { ...policy, mode: 'approve' } }))).toMatchObject({
      kind: 'approve',
      approvals: { needed: 2, given: [] },
    });
  });

  test('include the requester as the first', () => {
    expect(decide(clear({ policy, request: { by: 'person', name: 'ada' } }))).toMatchObject({
      kind: 'approve',
      approvals: { needed: 2, given: ['ada'] },
    });
  });
});

describe('the limit of safe rollbacks', () => {
  test('is honored: no older version is a target', () => {
    const changes = [change('v1', 240), change('v2', 8, { rollback_safe_to: 'v2' })];
    expect(decide(clear({ changes }))).toMatchObject({ kind: 'none', to: null });
    expect(codes(decide(clear({ changes })))).toEqual(['rollback_not_safe', 'suspect']);
  });

  test('resolves the question of migrations', () => {
    const changes = [change('v1', 240), change('v2', 8, { has_migration: true, rollback_safe_to: 'v1' })];
    expect(decide(clear({ changes })).kind).toBe('roll_back');
  });

  test('also applies to the other undone changes', () => {
    const changes = [
      change('v1', 240),
      change('v2', 60, { rollback_safe_to: 'v2', finished_at: before(31) }),
      change('v3', 8),
    ];
    expect(decide(clear({ changes, pinned: ['v2'] })).kind).toBe('none');
  });
});

describe('a person who requests a rollback', () => {
  const request = { by: 'person', name: 'ada' } as const;

  test('refers to the current version, regardless of the timing', () => {
    const decision = decide(clear({ request, changes: [change('v1', 240), change('v2', 120)] }));
    expect(decision).toMatchObject({ kind: 'roll_back', from: 'v2', to: 'v1' });
    expect(decision.reasons[0]).toEqual({ code: 'requested_by_person', text: 'ada requested it' });
  });

  test('is not limited by the mode', () => {
    expect(decide(clear({ request, policy: { mode: 'shadow', unknownMigration: 'approve' } })).kind).toBe('roll_back');
  });

  test('is stopped by an unreadable kill switch', () => {
    expect(decide(clear({ request, guard: { state: 'unreadable', detail: '' } })).kind).toBe('none');
  });

  test('needs a target', () => {
    expect(codes(decide(clear({ request, changes: [change('v2', 8)] })))).toEqual(['no_known_good_version']);
  });
});

describe('a program that proposes a rollback', () => {
  const request = { by: 'person', name: 'agent', from: 'v2' as Version, proposed: true } as const;
  const changes = [change('v1', 240), change('v2', 8)];

  test.each(['shadow', 'suggest', 'approve', 'act'] as const)('asks a person in mode %s', (mode) => {
    const decision = decide(clear({ request, changes, policy: { mode } }));
    expect(decision).toMatchObject({ kind: 'approve', from: 'v2', to: 'v1', approvals: { needed: 1, given: [] } });
    expect(decision.reasons[0]).toEqual({
      code: 'rollback_proposed',
      text: 'agent proposes it, and a person must approve it',
    });
    expect(asksByModeAlone(decision)).toBe(false); // so it is never approved by time-out
  });

  test('counts as none of two approvers', () => {
    const decision = decide(clear({ request, changes, policy: { approvals: 2 } }));
    expect(decision).toMatchObject({ kind: 'approve', approvals: { needed: 2, given: [] } });
  });

  test('asks nothing about a version that runs no more', () => {
    const decision = decide(clear({ request, changes: [...changes, change('v3', 2)] }));
    expect(decision.kind).toBe('none');
    expect(codes(decision)).toEqual(['superseded']);
  });

  test('is stopped by an unreadable kill switch', () => {
    expect(decide(clear({ request, changes, guard: { state: 'unreadable', detail: '' } })).kind).toBe('none');
  });
});

describe('a person who names the version', () => {
  const requestFor = (to: string, from?: string) =>
    ({ by: 'person', name: 'ada', to: to as Version, ...(from !== undefined && { from: from as Version }) }) as const;
  const changes = [change('v1', 600), change('v2', 300), change('v3', 8)];

  test('gets that version, with the request among the reasons', () => {
    const decision = decide(clear({ request: requestFor('v1'), changes }));
    expect(decision).toMatchObject({ kind: 'roll_back', from: 'v3', to: 'v1' });
    expect(decision.reasons[0]).toEqual({ code: 'requested_by_person', text: 'ada requested it (target version v1)' });
  });

  test('is the first of two approvers if the policy asks for two', () => {
    const decision = decide(clear({ request: requestFor('v1'), changes, policy: { approvals: 2 } }));
    expect(decision).toMatchObject({ kind: 'approve', to: 'v1', approvals: { needed: 2, given: ['ada'] } });
    expect(decision.reasons[0]?.text).toBe('ada requested it (target version v1), and a second person must approve it');
  });

  test.each<[because: string, to: string, against: Partial<Plain>]>([
    ['version_runs', 'v3', {}],
    ['version_unknown', 'v4', {}],
    ['version_never_ran', 'v0', { changes: [change('v0', 700, { status: 'failed' }), ...changes] }],
    ['pinned', 'v1', { pinned: ['v1'] }],
    [
      'rollback_not_safe',
      'v1',
      { changes: [change('v1', 600), change('v2', 300), change('v3', 8, { rollback_safe_to: 'v2' })] },
    ],
    ['no_deployer', 'v1', { has_deployer: false }],
    ['guard_unreadable', 'v1', { guard: { state: 'unreadable', detail: '' } }],
  ])('is refused: %s', (because, to, against) => {
    const decision = decide(clear({ changes, request: requestFor(to), ...against }));
    expect({ kind: decision.kind, because: codes(decision)[0] }).toEqual({ kind: 'none', because });
  });

  test('referred to the version at that time: a newer one is not rolled back', () => {
    expect(decide(clear({ changes, request: requestFor('v1', 'v3') })).kind).toBe('roll_back');
    const decision = decide(clear({ changes: [...changes, change('v4', -5)], request: requestFor('v1', 'v3') }));
    expect(decision.kind).toBe('none');
    expect(decision.reasons[0]).toEqual({
      code: 'superseded',
      text: 'v4 is running now instead of v3, the version at the time of the request',
    });
  });
});

describe('a suspect that a person has cleared', () => {
  const [, v2] = aBadDeploy();
  if (v2 === undefined) throw new Error('there is a bad deploy');
  const flag = change('flag', 9, { kind: 'flag' });
  const said = (cleared: ClearedSuspect[], more: Partial<Plain> = {}) => clear({ ...more, evidence: { cleared } });

  test('is no longer a suspect, which is among the reasons', () => {
    const decision = decide(said([clearing(v2)]));
    expect(decision).toMatchObject({ kind: 'none', suspects: [], suspect: null, from: null });
    expect(decision.reasons).toEqual([
      { code: 'no_confident_suspect', text: expect.stringMatching(/^no other change of this service/) },
      { code: 'suspect_cleared', text: 'v2 was cleared by ada at 2026-11-20 12:03 UTC' },
    ]);
  });

  test('leaves the next suspect, which requires a person', () => {
    const changes = [change('v1', 600), change('v2', 240), change('v3', 8), flag];
    expect(decide(clear({ changes }))).toMatchObject({ kind: 'approve' });
    const decision = decide(said([clearing(flag)], { changes }));
    expect(decision).toMatchObject({ kind: 'approve', from: 'v3', to: 'v2' });
    expect(decision.reasons).toEqual([
      {
        code: 'suspect_cleared',
        text: 'flag was cleared by ada at 2026-11-20 12:03 UTC',
      },
      { code: 'evidence', text: expect.stringContaining('evidence: time') },
      { code: 'suspect', text: expect.stringMatching(/^Probable cause: v3 \(9\d %\), because /), more: [] },
    ]);
  });

  test('still counts as the successor of the previous version', () => {
    const changes = [change('v1', 600), change('v2', 40), change('v3', 8)];
    const decision = decide(said([clearing(change('v3', 8))], { changes }));
    expect(['none', 'suggest']).toContain(decision.kind);
    expect(codes(decision)).toContain('suspect_cleared');
  });

  test('is a suspect again if the clearing is withdrawn, and still requires a person', () => {
    const decision = decide(said([clearing(v2, { restored: { by: 'bo', at: before(-9) } })]));
    expect(decision).toMatchObject({ kind: 'approve', from: 'v2', to: 'v1' });
    expect(codes(decision)).toEqual(['suspect_cleared', 'evidence', 'suspect']);
  });

  test('is rolled back for a person who asks', () => {
    const decision = decide(said([clearing(v2)], { request: { by: 'person', name: 'bo' } }));
    expect(decision).toMatchObject({ kind: 'roll_back', from: 'v2', to: 'v1' });
    expect(codes(decision)).toEqual(['requested_by_person', 'suspect']);
  });

  test('is mentioned if there is no action for another reason', () => {
    const changes = [...aBadDeploy(), change('v3', -3)];
    const decision = decide(said([clearing(flag)], { changes }));
    expect(codes(decision)).toEqual(['superseded', 'suspect_cleared', 'suspect']);
  });
});

test('a judgement stored before clearings existed is reproduced', () => {
  const { evidence, ...stored } = JSON.parse(JSON.stringify(clear())) as DecisionInputs;
  expect(Object.keys(evidence)).not.toContain('cleared');
  expect(Object.keys(stored.request)).toEqual(['mode', 'by', 'name']);
  expect(decide({ ...stored, evidence })).toEqual(decide(clear()));
});

describe('for any inputs,', () => {
  const samples = fc.sample(anyPlain, runs(200)).map((plain): [Plain, Decision] => [plain, decide(inputsOf(plain))]);

  const always = (holds: (plain: Plain, decision: Decision) => void): void => {
    for (const [plain, decision] of samples)
      try {
        holds(plain, decision);
      } catch (cause) {
        throw new Error(`not for ${fc.stringify(plain)}`, { cause });
      }
  };

  test('the decision is deterministic, including after a JSON round trip', () => {
    always((plain, decision) => {
      expect(decide(JSON.parse(JSON.stringify(inputsOf(plain))) as DecisionInputs)).toEqual(decision);
    });
  });

  test('the order of the changes does not matter', () => {
    fc.assert(
      fc.property(
        anyPlain.chain((inputs) =>
          fc.tuple(
            fc.constant(inputs),
            fc.shuffledSubarray([...inputs.changes], {
              minLength: inputs.changes.length,
              maxLength: inputs.changes.length,
            }),
          ),
        ),
        ([inputs, changes]) => {
          expect(decide(inputsOf({ ...inputs, changes }))).toEqual(decide(inputsOf(inputs)));
        },
      ),
      { numRuns: runs(60) },
    );
  });

  test('there is a reason', () => {
    always((_, { reasons }) => {
      expect(reasons.length).toBeGreaterThan(0);
      expect(reasons.every(({ code, text }) => /^[a-z_]+$/.test(code) && text.length > 0)).toBe(true);
    });
  });

  test('uncertainty never leads to automatic action', () => {
    always(({ guard, matched, has_deployer }, { kind }) => {
      if (guard.state === 'unreadable' || !matched || !has_deployer) expect(kind).toBe('none');
    });
  });

  test('only a version that failed alone in a controlled look is rolled back where the policy requires a test', () => {
    const acted = { tested: 0, not: 0 };
    const anyLook = fc.record({
      suspect: fc.constantFrom('v1', 'v2', 'v3', 'v4'),
      verdict: fc.oneof(fc.constant('only_suspect' as const), fc.constantFrom(...LookVerdict.options)),
    });
    fc.assert(
      fc.property(fc.oneof(anyPlain, fc.constant(clearly())), fc.option(anyLook, { freq: 8 }), (plain, found) => {
        if (plain.request.by === 'person') return;
        const look = found === null ? undefined : { ...found, other: 'v0', text: 'tested', at: NOON };
        const evidence = { ...plain.evidence, ...(look && { look }) };
        const decision = decide(inputsOf({ ...plain, policy: { ...plain.policy, evidence: 'tested' }, evidence }));
        acted[decision.kind === 'roll_back' ? 'tested' : 'not'] += 1;
        if (decision.kind === 'roll_back')
          expect({ verdict: look?.verdict, from: look?.suspect }).toEqual({
            verdict: 'only_suspect',
            from: decision.from,
          });
      }),
      { numRuns: runs(80) },
    );
    expect(acted.tested).toBeGreaterThan(0);
  });

  test('a result of a controlled look that blames the version alone is required at each level of evidence', () => {
    fc.assert(
      fc.property(anyPlain, fc.constantFrom(...LookVerdict.options.slice(1)), (plain, verdict) => {
        if (plain.request.by === 'person') return;
        const { from, kind } = decide(inputsOf(plain));
        if (kind !== 'roll_back' || from === null) return;
        const look = { suspect: from, other: 'v0', verdict, text: 'tested', at: NOON };
        const then = decide(inputsOf({ ...plain, evidence: { ...plain.evidence, look } }));
        expect(then).not.toMatchObject({ kind: 'roll_back', from });
      }),
      { numRuns: runs(60) },
    );
  });

  test('a paused automation never rolls back, unless a person asks', () => {
    always(({ guard, incident_paused, request }, { kind }) => {
      const paused = incident_paused || (guard.state === 'read' && guard.paused);
      if (paused && request.by !== 'person') expect(['none', 'shadow', 'suggest']).toContain(kind);
    });
  });

  test('nothing is rolled back or asked without a request by an alert or a person', () => {
    always(({ request }, { kind }) => {
      if (request.by === 'none') expect(['none', 'shadow', 'suggest']).toContain(kind);
    });
  });

  test('the decision never exceeds the lowest mode, unless a person asks', () => {
    always(({ request, policy, modes }, { kind }) => {
      if (request.by === 'person') return;
      const mode = lowestMode(policy.mode ?? 'act', ...modes);
      const most = mode === 'act' ? 'roll_back' : mode;
      expect(STRENGTH.indexOf(kind)).toBeLessThanOrEqual(STRENGTH.indexOf(most));
    });
  });

  test('an action or question has a suspect and a target, which is known good, earlier, another version, and never rolled back', () => {
    always(({ changes }, { kind, from: single, to: back, offers }) => {
      if (kind !== 'roll_back' && kind !== 'approve') return;
      const [offer] = offers ?? [];
      const [from, to] = offer === undefined ? [single, back] : [offer.from_version, offer.to_version];
      expect(from).not.toBeNull();
      expect(to).not.toBe(from);
      const good = changes.filter(({ version, status }) => version === to && status === 'succeeded');
      const suspects = changes.filter(({ version }) => version === from);
      expect(good.some((target) => suspects.some((suspect) => byStart(target, suspect) < 0))).toBe(true);
      expect(good.some(({ rolled_back_by }) => rolled_back_by !== null)).toBe(false);
      expect(good.some((target) => wasLiveForHalfAnHour(target, changes))).toBe(true);
    });
  });

  /** Returns whether no other version was put live in the half hour after its end. */
  const wasLiveForHalfAnHour = (target: Change, changes: readonly Change[]): boolean =>
    changes.every((other) => {
      const { kind, status, started_at } = other;
      const after = secondsBetween(target.finished_at ?? target.started_at, started_at);
      const replaces = ['deploy', 'rollback', 'hotfix'].includes(kind) && ['started', 'succeeded'].includes(status);
      return !replaces || byStart(other, target) <= 0 || after >= 1800;
    });

  test('an action rolls back the running version, or a failed one', () => {
    always(({ changes }, { kind, from }) => {
      if (kind !== 'roll_back') return;
      expect(newestLiveChange(changes)?.version).toBe(from);
    });
  });

  /** Clears one of the changes; `back`: and withdraws that. */
  const withCleared = (plain: Plain, back?: ClearedSuspect['restored'], which = 0): Plain => {
    const one = plain.changes[which % Math.max(1, plain.changes.length)];
    const cleared = one === undefined ? [] : [clearing(one, back && { restored: back })];
    return cleared.length === 0 ? plain : { ...plain, evidence: { ...plain.evidence, cleared } };
  };

  test('a cleared change is neither suspected nor asked about, and there is no automatic action any more', () => {
    fc.assert(
      fc.property(anyPlain, fc.nat(7), (plain, which) => {
        const inputs = inputsOf(withCleared(plain, undefined, which));
        const [cleared] = inputs.evidence.cleared ?? [];
        if (cleared === undefined) return;
        const decision = decide(inputs);
        expect(decision.suspects.map(({ change_id }) => change_id)).not.toContain(cleared.change_id);
        if (inputs.request.by === 'person') {
          expect(decision).toMatchObject({ kind: decide(inputsOf(plain)).kind, from: decide(inputsOf(plain)).from });
          return;
        }
        expect(decision.suspect).not.toBe(cleared.change_id);
        expect(decision.kind).not.toBe('roll_back');
        expect(codes(decision)).toContain('suspect_cleared');
        if (decision.kind !== 'none' && ['deploy', 'rollback', 'hotfix'].includes(String(cleared.kind)))
          expect(decision.from).not.toBe(cleared.version);
      }),
      { numRuns: runs(60) },
    );
  });

  test('a named version is the exact target, or there is none', () => {
    fc.assert(
      fc.property(anyPlain, fc.constantFrom('v1', 'v2', 'v3', 'v4', 'v5'), (plain, version) => {
        const request = { by: 'person', name: 'ada', to: version as Version } as const;
        const { kind, from, to, reasons } = decide(inputsOf({ ...plain, request }));
        expect(reasons.length).toBeGreaterThan(0);
        expect(['none', 'roll_back', 'approve']).toContain(kind);
        if (kind === 'none') return;
        expect(to).toBe(version);
        expect(from).toBe(newestLiveChange(plain.changes)?.version);
        expect(from).not.toBe(to);
        expect(plain.pinned).not.toContain(to);
      }),
      { numRuns: runs(60) },
    );
  });

  /** Changes that each remove a reason for action. */
  const weaker: [what: string, alter: (inputs: Plain) => Plain][] = [
    [
      'a kill switch',
      (inputs) => ({
        ...inputs,
        guard: inputs.guard.state === 'read' ? { ...inputs.guard, paused: true } : inputs.guard,
      }),
    ],
    ['a kill switch that cannot be read', (inputs) => ({ ...inputs, guard: { state: 'unreadable', detail: '' } })],
    ['a pause of the incident', (inputs) => ({ ...inputs, incident_paused: true })],
    ['no match', (inputs) => ({ ...inputs, matched: false })],
    ['no deployer', (inputs) => ({ ...inputs, has_deployer: false })],
    ['monitoring that failed', (inputs) => ({ ...inputs, monitoring_failure_only: true })],
    ['an alert that has only returned', (inputs) => ({ ...inputs, returned_only: true })],
    [
      'an alert that came a week late',
      (inputs) => ({ ...inputs, onset: { ...inputs.onset, alertReceivedAt: plusSeconds(NOON, 7 * 86_400) } }),
    ],
    ['alerts that an experiment explains', (inputs) => ({ ...inputs, expected_from: 'kill one pod' })],
    ['too many rollbacks', (inputs) => ({ ...inputs, rollbacks_last_hour: ROLLBACKS_PER_HOUR })],
    [
      'a stricter policy on migrations',
      (inputs) => ({ ...inputs, policy: { ...inputs.policy, unknownMigration: 'approve' } }),
    ],
    [
      'migrations everywhere',
      (inputs) => ({ ...inputs, changes: inputs.changes.map((one) => ({ ...one, has_migration: true })) }),
    ],
    [
      'no alert that asks',
      (inputs) => (inputs.request.by === 'person' ? inputs : { ...inputs, request: { by: 'none', name: '' } }),
    ],
    ['a budget of its automation that is spent', (inputs) => ({ ...inputs, demoted: true })],
    [
      'too many rollbacks of all services',
      (inputs) => ({ ...inputs, organisation_rollbacks_last_hour: ORGANISATION_ROLLBACKS_PER_HOUR }),
    ],
    ['many at once', (inputs) => ({ ...inputs, one_of_many: true })],
    ['every version pinned', (inputs) => ({ ...inputs, pinned: ['v1', 'v2', 'v3', 'v4'] })],
    [
      'a verification that failed',
      (inputs) => (inputs.request.by === 'person' ? inputs : { ...inputs, request: { by: 'verification', name: '' } }),
    ],
    ['something that is cleared and suspected again', (inputs) => withCleared(inputs, { by: 'bo', at: NOON })],
    ['a second person', (inputs) => ({ ...inputs, policy: { ...inputs.policy, approvals: 2 } })],
  ];

  test.each(weaker)('%s never makes the decision more automatic', (what, alter) => {
    always((plain, { kind, verdict }) => {
      // A request by verification is stronger than none; and many simultaneous incidents are each asked about.
      if (what === 'a verification that failed' && plain.request.by === 'none') return;
      if (what === 'many at once' && verdict === 'no_change') return;
      expect(strength(inputsOf(alter(plain)))).toBeLessThanOrEqual(STRENGTH.indexOf(kind));
    });
  });

  test('a lower mode never makes the decision more automatic', () => {
    fc.assert(
      fc.property(anyPlain, fc.constantFrom(...Mode.options), (plain, mode) => {
        const lower = lowestMode(mode, plain.policy.mode ?? 'act');
        const was = strength(inputsOf(plain));
        expect(strength(inputsOf({ ...plain, policy: { ...plain.policy, mode: lower } }))).toBeLessThanOrEqual(was);
        expect(strength(inputsOf({ ...plain, modes: [...plain.modes, mode] }))).toBeLessThanOrEqual(was);
      }),
      { numRuns: runs(60) },
    );
  });
});

test('the decision uses the onset from the health query', () => {
  const onset = { alertStartedAt: before(0), rule: { forSeconds: 300, intervalSeconds: 60 } };
  const curve = Array.from({ length: 60 }, (_, index) => before(59 - index)).map(
    (at) => [at, at < before(9) ? 0.001 : 0.4] as const,
  );
  const evidence = { health: { max: 0.01, curve } };
  expect(decide(clear({ onset, evidence })).onset).toMatchObject({ at: before(9), from: 'health' });
});
