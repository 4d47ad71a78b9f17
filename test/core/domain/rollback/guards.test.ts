import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Agreement, type Guard, type Known, type Moment } from '../../../../core/domain/rollback/guard.ts';
import { GUARDS } from '../../../../core/domain/rollback/guards.ts';
import { decide, knownAtJudgement } from '../../../../core/domain/rollback/rollback.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import {
  type EnvironmentName,
  type IncidentId,
  Mode,
  type ServiceName,
  type Version,
} from '../../../../schemas/config/names.ts';
import { internalNamesIn } from '../../../support/internal-names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { anyPlain, before, change, clear, clearing, inputsOf, NOON } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

/** Returns each pair of a moment and a consequence of a guard. */
const momentsOf = ({ at }: Guard): string[] => Object.entries(at).map(([moment, does]) => `${moment}: ${does}`);

const versions = fc.constantFrom('v1', 'v2', 'v3', 'v9') as fc.Arbitrary<Version>;
const modes = fc.array(fc.constantFrom(...Mode.options), { maxLength: 2 });
const killSwitch = fc.constantFrom(
  { state: 'read', paused: false } as const,
  { state: 'read', paused: true } as const,
  { state: 'unreadable', detail: 'no answer' } as const,
);
const agreement = fc.constantFrom(...Agreement);
const demoted_services = fc.subarray(['checkout', 'payments']);
const SIBLING = '01K8ZTEST00000000000000002' as IncidentId;
/** What can be known at each moment. */
const ASKS = [
  'recorded_late',
  'other_cause',
  'one_instance',
  'warming_up',
  'evidence_against',
  'errors_not_measured',
  'weak_evidence',
] as const;

const abortionOf = ({ id, version }: Change) => ({
  change_id: id,
  version,
  stable_version: 'v0',
  reason: 'errors: 3 %',
});

const KNOWN: { [M in Moment]: fc.Arbitrary<Known[M]> } = {
  judgement: fc
    .record({
      plain: anyPlain,
      request: fc.record({
        mode: fc.option(fc.constantFrom(...Mode.options), { nil: null }),
        from: fc.option(versions),
        to: fc.option(versions),
        asks: fc.boolean(),
      }),
      sender: fc.constantFrom(0, 5),
      inVain: fc.boolean(),
      cleared: fc.boolean(),
      aborted: fc.boolean(),
      again: fc.boolean(),
      related: fc.constantFrom('same' as const, 'dependency' as const),
      doubts: fc.subarray(ASKS.map((code) => ({ code, text: 'a reason to ask' }))),
      group_rolled_back: fc.constantFrom(null, SIBLING),
      elsewhere: fc.boolean(),
      isLate: fc.boolean(),
      hasMoved: fc.boolean(),
      knowsNames: fc.boolean(),
    })
    .map(
      ({
        plain,
        request: { mode, from, to, asks },
        sender,
        inVain,
        cleared,
        aborted,
        again,
        related,
        doubts,
        elsewhere,
        isLate,
        hasMoved,
        knowsNames,
        ...more
      }) => {
        const [one] = plain.changes;
        const request = {
          ...plain.request,
          ...(mode && { mode }),
          ...(from && { from }),
          ...(to && { to }),
          ...(asks && { approval: { people: null, seconds: null } }),
        };
        const inputs = inputsOf({
          ...plain,
          request,
          ...(hasMoved && { changes: plain.changes.map(asOneBranch) }),
          ...(isLate && { onset: { ...plain.onset, alertReceivedAt: plusSeconds(NOON, 7 * 3600) } }),
          sender_rollbacks_last_hour: sender,
          ...(inVain && { sender_lacks_scope: true }),
          evidence: {
            ...(cleared && one && { cleared: [clearing(one)] }),
            ...(aborted && one && { aborted_canary: abortionOf(one) }),
          },
        });
        const known = knownAtJudgement({
          ...inputs,
          targets: inputs.targets.map((target) => ({ ...target, ...(knowsNames && { names_only: true as const }) })),
        });
        return {
          ...known,
          ...more,
          ...(elsewhere && {
            evidence: { ...known.evidence, service: 'cart' },
            group_incidents: [{ service: known.evidence.service as ServiceName, incident_id: SIBLING }],
          }),
          found: { ...known.found, ...(again && { risen_again: true }) },
          suspect: known.suspect && { ...known.suspect, relation: related, approvalReasons: doubts },
        };
      },
    ),
  call: fc.record({
    service: fc.constant('checkout' as ServiceName),
    environment: fc.constant('production' as EnvironmentName),
    agreement,
    modes,
    demoted_services,
    from: fc.constant('v2' as Version),
    to: fc.constant('v1' as Version),
    approved: fc.boolean(),
    tried: fc.boolean(),
    incident_open: fc.boolean(),
    incident_paused: fc.boolean(),
    one_of_many: fc.boolean(),
    guard: killSwitch,
    clearing: fc.constantFrom(undefined, clearing(change('v2', 10))),
    decided_at: fc.constantFrom(undefined, before(10)),
    pinned: fc.subarray(['v1']),
    moved: fc.constantFrom(null, 'the deploying system knows v1 as latest, which now means the commit 2222222'),
    moved_was_said: fc.boolean(),
    done: fc.constantFrom(null, 'v2 was rolled back to v1 already'),
    newer: fc.constantFrom(undefined, change('v3', -3)),
    newer_restores: fc.boolean(),
    judged: fc.constantFrom(undefined, decide(clear()), decide(clear({ one_of_many: true }))),
  }),
  record: fc.record({
    agreement,
    organisation_rollbacks_last_hour: fc.constantFrom(0, 10),
    sender_rollbacks_last_hour: fc.constantFrom(0, 5),
    incident_open: fc.boolean(),
    group_rolled_back: fc.constantFrom(null, SIBLING),
    locked_by: fc.constantFrom('drill', 'this_incident', 'another_incident', null),
  }),
  drill: fc.record({
    agreement: fc.constant('none' as const),
    guard: killSwitch,
    pinned: fc.subarray(['v1']),
    to: fc.constant('v1' as Version),
  }),
  step: fc
    .record({
      service: fc.constant('checkout'),
      matched: fc.boolean(),
      guard: killSwitch,
      incident_paused: fc.boolean(),
      one_of_many: fc.boolean(),
      demoted: fc.boolean(),
      modes,
      requires_approval: fc.boolean(),
      inVain: fc.boolean(),
      secondToAda: fc.boolean(),
      reroute: fc.constantFrom(
        undefined,
        { unfit: 'us: its health is bad', unclear: 'us: its health is not known', changed: null },
        { unfit: null, unclear: null, changed: 'eu 1, us 2' },
      ),
      agreement: fc.constant('none' as const),
      demoted_services,
      suspect: fc.option(
        fc.record({
          version: fc.constant('v2' as Version),
          service: fc.constant('payments'),
          approvalReasons: fc.subarray(ASKS.map((code) => ({ code, text: 'a reason to ask' }))),
          confidence: fc.constantFrom(0.3, 0.9),
          relation: fc.constantFrom('same', 'dependency'),
          timing: fc.constantFrom('finished_before', 'clock_skew'),
          status: fc.constantFrom('succeeded', 'failed'),
        }),
      ),
      lacking: fc.constantFrom(null, 'not proved'),
      neighbours_unreadable: fc.boolean(),
      monitoring_failure_only: fc.boolean(),
      isReturned: fc.boolean(),
      isOld: fc.boolean(),
      rollbacks_last_hour: fc.constantFrom(0, 3),
      organisation_rollbacks_last_hour: fc.constantFrom(0, 10),
      sender_rollbacks_last_hour: fc.constantFrom(0, 5),
    })
    .map(({ inVain, isReturned, isOld, secondToAda, reroute, ...known }) => ({
      ...known,
      ...(isReturned && { returned_only: true as const }),
      ...(isOld && { onset_old: 'the problem began long ago' }),
      ...(inVain && { sender_lacks_scope: true as const }),
      ...(secondToAda && { second_to: 'ada' }),
      ...(reroute && { reroute }),
    })),
};

/** Gives a change a commit of its own, under a name that all share. */
function asOneBranch(one: Change, index: number): Change {
  return { ...one, reported_version: 'main' as Version, commit: String(index).repeat(40).slice(0, 40) };
}

describe('the list of guards', () => {
  test('is in this order', () => {
    expect(GUARDS.map((one) => `${one.code} (${momentsOf(one).join(', ')})`)).toMatchInlineSnapshot(`
      [
        "incident_closed (call: quiet)",
        "unmatched (judgement: refuse, step: no)",
        "guard_unreadable (judgement: refuse, call: page, drill: withhold, step: no)",
        "destination_unfit (step: no)",
        "canary_aborted (judgement: refuse)",
        "no_confident_suspect (judgement: refuse)",
        "not_a_deploy (judgement: refuse)",
        "superseded (judgement: refuse)",
        "no_deployer (judgement: refuse)",
        "no_known_good_version (judgement: refuse)",
        "rollback_not_safe (judgement: refuse)",
        "version_indistinct (judgement: refuse)",
        "pinned (judgement: refuse)",
        "version_runs (judgement: refuse)",
        "version_unknown (judgement: refuse)",
        "version_never_ran (judgement: refuse)",
        "superseded (judgement: report)",
        "recorded_late (judgement: report, step: ask)",
        "migration_in_deploy (judgement: ask)",
        "migration_unknown (judgement: ask)",
        "version_name_moved (judgement: ask)",
        "already_rolled_back (judgement: ask)",
        "rate_limited (judgement: ask)",
        "rate_limited (step: ask)",
        "organisation_limit (judgement: ask, record: judge_again, step: ask)",
        "sender_limit (judgement: ask, record: judge_again, step: ask)",
        "mode_shadow (judgement: shadow)",
        "mode_suggest (judgement: suggest)",
        "mode_approve (judgement: approve)",
        "runbook_mode (judgement: shadow)",
        "runbook_mode (judgement: suggest)",
        "runbook_mode (judgement: approve)",
        "paused (judgement: suggest, call: page, drill: withhold, step: say)",
        "incident_paused (judgement: suggest, call: page, step: say)",
        "sender_lacks_scope (judgement: suggest, step: say)",
        "not_requested (judgement: suggest)",
        "decided_elsewhere (judgement: suggest)",
        "runbook_requires_approval (judgement: approve, step: ask)",
        "destination_unclear (step: ask)",
        "weights_changed (step: ask)",
        "second_person (step: ask)",
        "suspect_cleared (call: quiet)",
        "mode_shadow (call: page)",
        "mode_suggest (call: page)",
        "mode_approve (call: page)",
        "mode_shadow (step: say)",
        "mode_suggest (step: say)",
        "mode_approve (step: ask)",
        "first_did_not_help (judgement: approve)",
        "second_rollback (judgement: approve)",
        "one_of_many (call: page)",
        "automation_budget_spent (judgement: approve, call: judge_again, step: ask)",
        "suspect_cleared (judgement: approve)",
        "one_of_many (judgement: approve)",
        "group_rolled_back (judgement: approve, record: judge_again)",
        "one_of_many (step: ask)",
        "onset_old (judgement: ask, step: ask)",
        "risen_again (judgement: ask)",
        "clock_skew (judgement: ask, step: ask)",
        "deploy_failed (judgement: ask, step: ask)",
        "another_service (judgement: ask, step: ask)",
        "not_proved (judgement: ask, step: ask)",
        "neighbours_unreadable (judgement: ask, step: ask)",
        "no_confident_suspect (judgement: ask, step: ask)",
        "other_cause (judgement: ask, step: ask)",
        "one_instance (judgement: ask, step: ask)",
        "warming_up (judgement: ask, step: ask)",
        "evidence_against (judgement: ask, step: ask)",
        "errors_not_measured (judgement: ask, step: ask)",
        "weak_evidence (judgement: ask, step: ask)",
        "expected_from_experiment (judgement: suggest)",
        "alert_returned (judgement: ask, step: ask)",
        "monitoring_failure (judgement: suggest, step: ask)",
        "pinned (call: page, drill: withhold)",
        "version_name_moved (call: page)",
        "already_done (call: quiet)",
        "superseded (call: page)",
        "judged_otherwise (call: judge_again)",
        "already_running (record: quiet)",
        "locked (record: page)",
        "incident_closed (record: quiet)",
      ]
    `);
  });

  test('contains no code twice with the same consequence at the same moment', () => {
    const all = GUARDS.flatMap((one) => momentsOf(one).map((moment) => `${one.code} (${moment})`));
    expect(all.filter((one, index) => all.indexOf(one) !== index)).toEqual([]);
  });

  test('has one consequence for each code that stops a call', () => {
    const stops = GUARDS.flatMap(({ code, at }) =>
      [at.call, at.record].flatMap((stop) => (stop ? [{ code, stop }] : [])),
    );
    for (const { code, stop } of stops)
      expect(stops.filter((one) => one.code === code && one.stop !== stop)).toEqual([]);
  });
});

const moments = Object.keys(KNOWN) as Moment[];

describe.each(moments)('every guard that is read at the moment "%s"', (moment) => {
  const samples = fc.sample<Known[Moment]>(KNOWN[moment], { numRuns: runs(800) });

  test.each(GUARDS.filter(({ at }) => at[moment] !== undefined))('$code $at applies, with a text', ({ code, read }) => {
    const found = samples.map(read).filter((reasons) => reasons.length > 0);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(samples.length);
    for (const reasons of found) {
      expect(reasons[0]?.code).toBe(code);
      for (const { text } of reasons) {
        expect(text).toMatch(/\S/);
        expect(internalNamesIn(text)).toEqual([]);
      }
    }
  });
});

test('no sentence of a judgement about suspects, or against them, has names of code', () => {
  const found = fc
    .sample(KNOWN.judgement, { numRuns: runs(800) })
    .flatMap(({ found: { doubts, suspects } }) => [
      ...doubts.map(({ text }) => text),
      ...suspects.flatMap(({ reasons, approvalReasons }) => [...reasons, ...approvalReasons.map(({ text }) => text)]),
    ]);
  expect(found.length).toBeGreaterThan(100);
  expect(internalNamesIn(found.join('\n'))).toEqual([]);
});
