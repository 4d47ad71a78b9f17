import { describe, expect, test } from 'vitest';
import { type Surroundings, underWay } from '../../../../core/domain/incidents/under-way.ts';
import type { Overview } from '../../../../core/domain/messages/story.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Look } from '../../../../schemas/incidents/look.ts';
import type { RunView } from '../../../../schemas/runbooks/parts/runs.ts';
import type { ChangeId } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { INCIDENT, NOON } from '../../arbitraries.ts';

const at = (seconds: number) => plusSeconds(NOON, seconds);

const decision = (more: Partial<DecisionView> = {}) =>
  ({
    id: `${INCIDENT}-1`,
    kind: 'approve',
    at: at(0),
    state: 'final',
    from_version: 'v2',
    to_version: 'v1',
    reasons: [],
    target: { service: 'checkout', environment: 'production' },
    ...more,
  }) as unknown as DecisionView;

const effect = (more: Partial<Effect>) => ({ key: `${INCIDENT}.1`, at: at(5), state: 'accepted', ...more }) as Effect;

type Given = {
  incident?: Partial<IncidentRecord>;
  decisions?: DecisionView[];
  effects?: Effect[];
  around?: Partial<Surroundings>;
};

const found = ({ incident, decisions = [], effects = [], around }: Given) =>
  underWay(
    {
      incident: { id: INCIDENT, service: 'checkout', environment: 'production', status: 'open', ...incident },
      decisions,
      effects,
    } as unknown as Overview,
    { looks: [], runs: [], settleSeconds: 10, now: at(6), timeScale: 1, ...around },
  ).map(({ text, since, until }) => [text, since, until]);

describe('what is being done about an incident', () => {
  test('is nothing while it waits for alerts, and once it is resolved', () => {
    expect(found({})).toEqual([]);
    const rollback = effect({ kind: 'roll-back' });
    expect(found({ incident: { status: 'resolved' }, decisions: [decision()], effects: [rollback] })).toEqual([]);
  });

  test.each<[string, Given, (string | null)[]]>([
    [
      'a rollback that was decided, and waits for further alerts',
      { decisions: [decision({ kind: 'roll_back' })] },
      ['Waiting for further alerts, then: roll checkout in production back from v2 to v1', at(0), at(10)],
    ],
    [
      'a rollback in progress',
      {
        incident: { status: 'mitigating' },
        decisions: [decision({ kind: 'roll_back' })],
        effects: [effect({ kind: 'roll-back' })],
      },
      ['Rolling checkout in production back from v2 to v1', at(5), null],
    ],
    [
      'the verification of a rollback',
      { incident: { status: 'mitigated', verification: 'pending', verifying: { number: 1, at: at(3) } } },
      ['Checking whether the rollback helped', at(3), at(903)],
    ],
    [
      'the verification of a redeploy by a person',
      {
        incident: {
          status: 'mitigated',
          verification: 'pending',
          verifying: { number: 1, change: `chg_${'1'.repeat(26)}` as ChangeId, at: at(3) },
        },
      },
      ['Checking whether the deploy of the earlier version helped', at(3), at(903)],
    ],
    [
      'a wait for the next samples',
      { decisions: [decision({ kind: 'wait', reasons: [{ code: 'errors_fall', text: 'errors fall' }] })] },
      ['Waits because errors fall', at(0), at(60)],
    ],
    [
      'a question',
      { decisions: [decision({ state: 'waiting', answer_until: at(600) })] },
      ['Waiting for an answer: roll checkout in production back from v2 to v1', at(0), at(600)],
    ],
    [
      'a controlled look',
      {
        around: {
          looks: [{ suspect: 'v2', other: 'v1', started_at: at(1), seconds: 300, ended_at: null } as unknown as Look],
        },
      },
      ['Testing a fresh instance of v2 beside one of v1', at(1), at(301)],
    ],
    [
      'a runbook with its step',
      {
        around: {
          runs: [
            {
              title: 'Drain',
              status: 'running',
              started_at: at(2),
              steps: [{ name: 'Scale down', status: 'running' }],
            } as unknown as RunView,
          ],
        },
      },
      ['Runbook Drain: Scale down', at(2), null],
    ],
    [
      'a page',
      { effects: [effect({ kind: 'page', state: 'intended' })] },
      ['Paging the on-call responder', at(5), null],
    ],
  ])('is %s', (_, given, expected) => {
    expect(found(given)).toEqual([expected]);
  });

  test('leaves out what is over, and what only tells others', () => {
    expect(
      found({
        decisions: [decision({ kind: 'wait', at: at(-60) }), decision({ state: 'approved' })],
        effects: [effect({ kind: 'page-note' }), effect({ kind: 'page', state: 'succeeded' })],
      }),
    ).toEqual([]);
  });
});
