import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AlertEpisode, planAdmission } from '../../../../core/domain/alerts/plan-admission.ts';
import { assumedEndPost } from '../../../../core/domain/alerts/unreported-ends.ts';
import type { Mute } from '../../../../core/domain/alerts/routing.ts';
import type { InboxPost } from '../../../../core/domain/incidents/inbox-post.ts';
import {
  isLaterProblem,
  currentDecisions,
  mitigated,
  newOnset,
  problemStart,
  RECOVERY_SECONDS,
  recovered,
} from '../../../../core/domain/incidents/new-onset.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { ChangeId, Version } from '../../../../schemas/config/names.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import type { DecisionView, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { arrival, signal, silenced } from '../../../support/signals.ts';
import { change, NOON } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

const after = (seconds: number): Timestamp => plusSeconds(NOON, seconds);

/** The incident opened at noon, and was mitigated 60 seconds later. */
const mitigatedIncident = (more: Partial<IncidentRecord> = {}): IncidentRecord =>
  incident({
    status: 'mitigated',
    verification: 'pending',
    verifying: { number: 1, at: after(60) },
    mitigations: 1,
    pages: 1,
    ...more,
  });

const known = (more: Partial<AlertEpisode> = {}): AlertEpisode => ({
  episode: 'first',
  unseen: false,
  status: 'firing',
  startsAt: after(-60),
  endsAt: null,
  assumed: false,
  incidentId: incident().id,
  requestsRollback: false,
  severity: 'critical',
  muted: false,
  firedAt: [],
  starts: [],
  ...more,
});

/** Returns what one notification adds to the incident. Null: nothing that its workflow needs. */
function reported(
  open: IncidentRecord,
  one: Signal,
  before: AlertEpisode | undefined,
  { at = after(600), mute = null, changes }: { at?: Timestamp; mute?: Mute | null; changes?: readonly Change[] } = {},
): InboxPost | null {
  const { incident: plan } = planAdmission(
    {
      at,
      receivedAt: at,
      trace: 'another',
      target: { scope: 's', incident: open, mayOpen: true },
      alerts: [before],
      closed: new Map(),
      newId: open.id,
      ...(changes && { changes }),
    },
    [arrival(one, { mute })],
  );
  return plan.kind === 'joins' ? plan.post : null;
}

const fires = (startsAt: Timestamp, more: Partial<Signal> = {}): Signal =>
  signal({ status: 'firing', startsAt, endsAt: null, episode: startsAt, ...more });
const ends = (endsAt: Timestamp): Signal =>
  signal({ status: 'resolved', startsAt: after(-60), endsAt, episode: 'first' });

describe('a critical alert while the first one still fires is a new problem', () => {
  const deploy = (seconds: number, more: Partial<Change> = {}): Change =>
    change('v3', 0, {
      id: 'chg_new' as ChangeId,
      started_at: after(seconds),
      finished_at: after(seconds + 20),
      ...more,
    });
  const ownRollback = deploy(40, {
    id: 'chg_own' as ChangeId,
    version: 'v1' as Version,
    kind: 'rollback',
    made_for: incident().id,
    finished_at: after(60),
  });
  const begins = (
    changes: readonly Change[],
    { alert = fires(after(300)), open = mitigatedIncident() }: { alert?: Signal; open?: IncidentRecord } = {},
  ): IncidentRecord['new_onset'] =>
    reported(open, alert, undefined, { changes: [ownRollback, ...changes] })?.patch.set?.new_onset;
  const onset = { judged: 1, after: { number: 1 }, pages: 1 };
  const ofV3 = { id: 'chg_new', name: 'deploy v3' };
  const ofBranch = (digit: string): Partial<Change> => ({
    version: `6.4 (${digit.repeat(7)})` as Version,
    reported_version: '6.4' as Version,
    commit: digit.repeat(40),
  });

  test.each<[string, IncidentRecord['new_onset'], object | undefined]>([
    ['after a newer deploy', begins([deploy(200)]), { at: after(300), recovered_at: after(200), after_change: ofV3 }],
    ['after a deploy that still runs', begins([deploy(200, { status: 'started', finished_at: null })]), onset],
    ['after a deploy during the rollback', begins([deploy(50)]), { ...onset, after_change: ofV3 }],
    ['after a deploy that failed', begins([deploy(200, { status: 'failed' })]), onset],
    [
      'after a feature flag was turned on',
      begins([deploy(200, { kind: 'flag', version: 'new-basket 7 (on)' as Version })]),
      { after_change: { id: 'chg_new', name: 'flag new-basket 7 (on)' } },
    ],
    [
      'within its window after the mitigation',
      begins([deploy(200)], { alert: fires(after(210), { labels: [['short_window', '5m']] }) }),
      onset,
    ],
    [
      'after a further deploy since another problem',
      begins([deploy(200)], {
        open: mitigatedIncident({
          status: 'open',
          mitigations: 2,
          pages: 2,
          new_onset: { at: after(150), recovered_at: after(140), seq: 4, judged: 1, after: { number: 1 } },
        }),
      }),
      { at: after(300), judged: 2, pages: 2 },
    ],
    [
      'after a recovery that followed a failed verification',
      begins([deploy(200)], {
        open: mitigatedIncident({ status: 'open', verification: 'failed', recovered_at: after(150) }),
      }),
      { recovered_at: after(150) },
    ],
    [
      'after the end of a deploy during which a runbook mitigated the first problem',
      reported(mitigatedIncident(), fires(after(300)), undefined, {
        changes: [deploy(50, { finished_at: after(200) })],
      })?.patch.set?.new_onset,
      { at: after(300), recovered_at: after(200), after_change: ofV3 },
    ],
    [
      'not after the end of a deploy that the rollback replaced while it ran',
      begins([deploy(30, { finished_at: after(200) })]),
      undefined,
    ],
    [
      'not after a mitigation that did not help',
      begins([deploy(200)], { open: mitigatedIncident({ status: 'open', verification: 'failed' }) }),
      undefined,
    ],
    [
      'not after a report of the rollback to a commit of a branch, which lacks the commit',
      begins([
        deploy(41, { id: 'chg_restored' as ChangeId, made_for: incident().id, ...ofBranch('1') }),
        deploy(200, { version: '6.4' as Version }),
      ]),
      undefined,
    ],
    [
      'after a deploy of another commit of the branch',
      begins([
        deploy(41, { id: 'chg_restored' as ChangeId, made_for: incident().id, ...ofBranch('1') }),
        deploy(200, ofBranch('2')),
      ]),
      { after_change: { id: 'chg_new', name: 'deploy 6.4 (2222222)' } },
    ],
    ['not without a change', begins([]), undefined],
    ['not if it began before the deploy', begins([deploy(301)]), undefined],
    ['not after the deploy that was undone', begins([deploy(-100)]), undefined],
    ['not after a cancelled deploy', begins([deploy(200, { status: 'cancelled' })]), undefined],
    [
      "not after the deploying system's report of the rollback",
      begins([deploy(70, { version: '1' as Version })]),
      undefined,
    ],
    [
      'not after a feature flag was turned off',
      begins([deploy(200, { kind: 'flag', version: 'new-basket 7 (off)' as Version })]),
      undefined,
    ],
    ['not for a warning', begins([deploy(200)], { alert: fires(after(300), { severity: 'warning' }) }), undefined],
    ['not during an action', begins([deploy(200)], { open: mitigatedIncident({ status: 'mitigating' }) }), undefined],
    [
      'not again after the deploy of the newest problem',
      begins([deploy(200)], {
        open: mitigatedIncident({
          new_onset: { at: after(250), recovered_at: after(200), seq: 4, judged: 1, after: { number: 1 } },
        }),
      }),
      undefined,
    ],
  ])('%s', (_, begun, expected) =>
    expected === undefined ? expect(begun).toBeUndefined() : expect(begun).toMatchObject(expected),
  );
});

describe('a critical alert after a newer change, although nothing was mitigated, is a new problem', () => {
  const deploy = (seconds: number, end = seconds + 20): Change =>
    change('v3', 0, { id: 'chg_new' as ChangeId, started_at: after(seconds), finished_at: after(end) });
  const begins = (changes: readonly Change[], open: Partial<IncidentRecord> = {}, alert = fires(after(300))) =>
    reported(incident({ mitigations: 1, pages: 1, ...open }), alert, undefined, { changes })?.patch.set?.new_onset;

  test('which the open page is about as well', () => {
    expect(begins([deploy(200)])).toEqual({
      at: after(300),
      recovered_at: after(200),
      after_change: { id: 'chg_new', name: 'deploy v3' },
      seq: expect.any(Number),
      judged: 1,
    });
  });

  test('if the change began before the opening, and ended after it', () => {
    expect(begins([deploy(-60, 200)])).toMatchObject({ at: after(300), recovered_at: after(200) });
    expect(begins([deploy(-60, 200)], suspected(0.2))).toMatchObject({ recovered_at: after(200) });
  });

  const suspected = (confidence: number): Partial<IncidentRecord> => ({
    suspects: [{ change_id: 'chg_new', confidence } as IncidentRecord['suspects'][number]],
  });
  const v2 = change('v2', 30);
  const suspectedV2: Partial<IncidentRecord> = {
    suspects: [{ change_id: v2.id, confidence: 0.9 } as IncidentRecord['suspects'][number]],
  };
  const redeployed = (more: Partial<Change> = {}): Change[] => [
    change('v1', 300),
    v2,
    { ...deploy(200), version: 'v1' as Version, ...more },
  ];

  test('if an earlier version replaces another one than the suspect', () => {
    expect(begins(redeployed(), suspected(0.9))).toMatchObject({ after_change: { name: 'deploy v1' } });
  });

  const during = { at: after(100), recovered_at: after(90), seq: 4, judged: 1 };
  test.each<[string, unknown]>([
    ['not after a deploy before the opening', begins([deploy(-30)])],
    ['not before the end of a deploy that began before the opening', begins([deploy(-60, 301)])],
    ['not after the end of a deploy that failed', begins([{ ...deploy(-60, 200), status: 'failed' }])],
    ['not after the end of an experiment', begins([{ ...deploy(-60, 200), kind: 'experiment' }])],
    ['not if that deploy is suspected already', begins([deploy(-60, 200)], suspected(0.6))],
    [
      'not again after the end of the deploy of the newest problem',
      begins([deploy(90, 200)], {
        new_onset: { ...during, after_change: { id: 'chg_new' as ChangeId, name: 'deploy v3' } },
      }),
    ],
    ['not if it began before the deploy', begins([deploy(301)])],
    ['not after an earlier version has replaced the suspect', begins(redeployed(), suspectedV2)],
    ['not while it replaces the suspect', begins(redeployed({ status: 'started', finished_at: null }), suspectedV2)],
    ['not while it is rolled back', begins(redeployed({ kind: 'rollback', status: 'started' }), suspectedV2)],
    ['not during an action', begins([deploy(200)], { status: 'mitigating' })],
    ['not for a warning', begins([deploy(200)], {}, fires(after(300), { severity: 'warning' }))],
    [
      'not again after the deploy of the newest problem',
      begins([deploy(200)], { new_onset: { at: after(250), recovered_at: after(200), seq: 4, judged: 1 } }),
    ],
  ])('%s', (_, begun) => {
    expect(begun).toBeUndefined();
  });
});

describe('the mitigated problem is over', () => {
  test.each<[string, InboxPost | null, Timestamp | undefined]>([
    ['when the last alert ends', reported(mitigatedIncident(), ends(after(300)), known()), after(300)],
    ['not while another one fires', reported(mitigatedIncident({ firing: 2 }), ends(after(300)), known()), undefined],
    ['not before a mitigation', reported(incident(), ends(after(300)), known()), undefined],
    [
      'also during another action',
      reported(mitigatedIncident({ status: 'mitigating' }), ends(after(300)), known()),
      after(300),
    ],
    ['once', reported(mitigatedIncident({ recovered_at: after(200) }), ends(after(300)), known()), undefined],
    ['not before the mitigation was', reported(mitigatedIncident(), ends(after(30)), known()), after(60)],
    [
      'not by an end if an event opened it',
      reported(mitigatedIncident({ by_event: true }), ends(after(300)), known()),
      undefined,
    ],
    [
      'not after the receipt, whatever the sender says',
      reported(mitigatedIncident(), ends(after(900)), known()),
      after(600),
    ],
    [
      'when the last alert is assumed to have ended',
      assumedEndPost(mitigatedIncident(), 'first', 'gone', after(300)),
      after(300),
    ],
  ])('%s', (_, post, at) => expect(post?.patch.set?.recovered_at).toBe(at));

  test('when it is mitigated after its alerts have ended, and not if an alert fires or none ever did', () => {
    const verifying = { number: 1, at: after(60) };
    expect(mitigated({ firing: 0, signal_count: 1 }, verifying).recoveredAt).toBe(after(60));
    expect(mitigated({ firing: 1, signal_count: 1 }, verifying).recoveredAt).toBeNull();
    expect(mitigated({ firing: 0, signal_count: 0 }, verifying).recoveredAt).toBeNull();
    expect(mitigated({ firing: 0, signal_count: 1, by_event: true }, verifying).recoveredAt).toBeNull();
  });
});

describe('a new problem begins', () => {
  const over = mitigatedIncident({ firing: 0, recovered_at: after(300), suspects: [] });
  const ended = known({ status: 'resolved', endsAt: after(300) });
  const window = { labels: [['long_window', '1h']] } satisfies Partial<Signal>;
  test.each<[string, InboxPost | null, boolean]>([
    ['with a new episode of the alert', reported(over, fires(after(400)), ended), true],
    ['with another alert', reported(over, fires(after(400), { fingerprint: 'other' }), undefined), true],
    ['with an alert whose end was never reported', reported(mitigatedIncident(), fires(after(400)), known()), true],
    ['not with a repeated notification', reported(over, fires(after(-60)), ended), false],
    ['not before the recovery', reported(mitigatedIncident({ firing: 2 }), fires(after(400)), known()), false],
    [
      'not with an alert that began before the recovery',
      reported(over, fires(after(290), { fingerprint: 'other' }), undefined),
      false,
    ],
    ['not with a muted alert', reported(over, fires(after(400)), ended, { mute: silenced }), false],
    ['not during an action', reported({ ...over, status: 'mitigating' }, fires(after(400)), ended), false],
    [
      'not with an alert that may be about the time before',
      reported(over, fires(after(400), { ...window, fingerprint: 'other' }), undefined),
      false,
    ],
    ['with such an alert that ended in between', reported(over, fires(after(400), window), ended), true],
    [
      'after a failed verification, too',
      reported({ ...over, status: 'open', verification: 'failed' }, fires(after(400)), ended),
      true,
    ],
  ])('%s', (_, post, isNew) => {
    expect(post?.message.kind === 'signals' && post.message.new_onset === true).toBe(isNew);
    expect(post?.patch.set?.new_onset !== undefined).toBe(isNew);
  });

  test('and the incident is open again, knows what came before, and names no suspects of that', () => {
    const post = reported({ ...over, seq: 7 }, fires(after(400)), ended);
    expect(post).toMatchObject({
      message: { pages: true },
      patch: {
        set: {
          new_onset: { at: after(400), recovered_at: after(300), seq: 8, judged: 1, after: { number: 1 }, pages: 1 },
          status: 'open',
          suspects: [],
        },
        remove: ['recovered_at', 'waits_for_health'],
      },
    });
  });

  test('without a mitigation in between only after a longer recovery, because alerts flap', () => {
    const again = (calm: number) => {
      const { newOnset: onset } = newOnset(over, { since: after(400), recoveredAt: null, pages: true });
      const record = { ...over, status: 'open' as const, recovered_at: after(500), ...(onset && { new_onset: onset }) };
      return newOnset(record, { since: after(500 + calm), recoveredAt: null, pages: true });
    };
    expect(again(RECOVERY_SECONDS - 1)).toEqual({ recoveredAt: null });
    expect(again(RECOVERY_SECONDS).newOnset).toMatchObject({ at: after(500 + RECOVERY_SECONDS) });
  });
});

describe('an alert that reopens its incident', () => {
  /** Resolved 100 seconds ago, after a second problem, by a run that took over for an unreadable message. */
  const resolved = mitigatedIncident({
    status: 'resolved',
    resolved_at: after(500),
    firing: 0,
    seq: 7,
    consumed_seq: 7,
    mitigations: 2,
    pages: 2,
    recovered_at: after(450),
    new_onset: { at: after(400), recovered_at: after(300), seq: 5, judged: 1, after: { number: 1 }, pages: 1 },
    unreadable: 6,
    unreadable_runs: 3,
    failed_runs: 2,
    suspects: [{ change_id: 'c', version: 'v2', confidence: 0.9, reasons: [] } as never],
  });
  const reopening = (closed: IncidentRecord, startsAt: Timestamp): InboxPost['patch'] => {
    const state = {
      at: after(600),
      receivedAt: after(600),
      trace: 'another',
      target: { scope: 's', incident: undefined, mayOpen: true },
      alerts: [known({ status: 'resolved', endsAt: after(450) })],
      closed: new Map(),
      newId: closed.id,
      reopenable: closed,
    };
    const { incident: plan } = planAdmission(state, [arrival(fires(startsAt))]);
    if (plan.kind !== 'reopens') throw new Error(`the alert ${plan.kind} an incident`);
    return plan.post.patch;
  };

  test('begins a new problem, and leaves nothing of the ones before the resolution', () => {
    const patch = reopening(resolved, after(590));
    expect(patch.set).toMatchObject({
      status: 'open',
      new_onset: { at: after(590), recovered_at: after(500), seq: 8, judged: 2, after: { number: 1 }, pages: 2 },
      suspects: [],
    });
    expect(patch.remove?.toSorted()).toEqual([
      'by_hand',
      'closed_as',
      'failed_at',
      'failed_runs',
      'recovered_at',
      'reopened_by',
      'resolve_by',
      'unmeasured',
      'unreadable',
      'unreadable_runs',
      'unverified_children',
      'waits_for_health',
    ]);
  });

  test('may have begun before the resolution', () => {
    expect(reopening(resolved, after(490)).set?.new_onset).toMatchObject({ at: after(490), recovered_at: after(490) });
  });

  test('brings back the same problem if nothing was mitigated', () => {
    const { verifying: _, new_onset: _onset, ...unmitigated } = resolved;
    const { set, remove } = reopening(unmitigated, after(590));
    expect(set).not.toHaveProperty('new_onset');
    expect(set).not.toHaveProperty('suspects');
    expect(remove).toContain('recovered_at');
  });

  test('begins one problem, however often it flaps', () => {
    const open = { ...resolved, ...reopening(resolved, after(590)).set, recovered_at: after(690) };
    expect(newOnset(open, { since: after(700), recoveredAt: null, pages: true })).toEqual({ recoveredAt: null });
  });
});

const anyCourse = fc.record({
  status: fc.constantFrom('open' as const, 'mitigating' as const, 'mitigated' as const, 'resolved' as const),
  mitigatedAt: fc.option(fc.integer({ min: 0, max: 900 })),
  recoveredAt: fc.option(fc.integer({ min: 0, max: 900 })),
  since: fc.integer({ min: 0, max: 1800 }),
  endedAt: fc.option(fc.integer({ min: 0, max: 1800 })),
  pages: fc.boolean(),
});

test('for any course, a new problem begins only after a mitigation, and not before the one before it had ended', () => {
  fc.assert(
    fc.property(anyCourse, ({ status, mitigatedAt, recoveredAt, since, endedAt, pages }) => {
      const one = incident({
        status,
        ...(mitigatedAt !== null && { verifying: { number: 1, at: after(mitigatedAt) } }),
        ...(recoveredAt !== null && { recovered_at: after(recoveredAt) }),
      });
      const failure = { since: after(since), recoveredAt: endedAt === null ? null : after(endedAt), pages };
      const { newOnset: onset, status: changed } = newOnset(one, failure);
      if (onset === undefined) {
        expect(changed).toBeUndefined();
        return;
      }
      expect(status === 'open' || status === 'mitigated').toBe(true);
      expect(onset.recovered_at >= (one.verifying?.at ?? '')).toBe(true);
      expect(onset.at >= onset.recovered_at).toBe(true);
      const { recovered_at: _, ...rest } = one;
      const next = { ...rest, new_onset: onset, status: changed ?? status };
      expect(next.status).toBe('open');
      expect(isLaterProblem(next)).toBe(true);
      expect(problemStart(next)).toBe(onset.at);
      expect(recovered(next, after(1900)).recoveredAt).toBe(after(1900));
    }),
  );
});

test('decisions about an earlier problem are not those about the open one', () => {
  const decision = (number: number, more: Partial<DecisionView> = {}): DecisionView =>
    ({ id: `${incident().id}-${number}`, at: after(number), ...more }) as DecisionView;
  const decisions = [decision(1), decision(2), decision(3), decision(1_000_001, { question: 'Scale?', at: after(10) })];
  const new_onset = { at: after(400), recovered_at: after(300), seq: 8, judged: 2, after: { number: 1 } };
  expect(currentDecisions({ incident: incident(), decisions })).toEqual(decisions);
  expect(currentDecisions({ incident: incident({ new_onset }), decisions })).toEqual([decision(3)]);
});
