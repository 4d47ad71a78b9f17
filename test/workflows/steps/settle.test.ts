import { describe, expect, test } from 'vitest';
import { Config } from '../../../schemas/config/config.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import {
  acting,
  all,
  answers,
  answersWhatWaits,
  configured,
  deploys,
  ends,
  fires,
  type Moment,
  play,
  samplesOf,
  says,
  type Story,
} from '../play.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
const STRANGERS = ['cart', 'search', 'ledger'];

const of = (service: string) => ({ name: `${service} fails`, labels: { service, action: '' } });
const policy = (more: object) =>
  configured({ autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act', ...more } });

/** Services that are unrelated to checkout. */
const beside: Moment = (world) => {
  const services = Object.fromEntries(STRANGERS.map((name) => [name, null]));
  world.config = {
    ...world.config,
    services: { ...world.config.services, ...Config.parse({ version: 'test', services, paging: {} }).services },
  };
};

type SettledStory = {
  world: FakeWorld;
  /** The calls to vendors, with their times in seconds after noon. */
  calls: string[];
  decisions: DecisionView[];
  timeline: string[];
};

async function told({ given = [], timeline }: Story): Promise<SettledStory> {
  const calls: string[] = [];
  const watching: Moment = (world) => {
    world.watch = (call) => calls.push(`${secondsBetween(NOON, world.clock.now())} s ${call}`);
  };
  const { world } = await play({ given: [...given, watching], timeline });
  const own = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout');
  return {
    world,
    calls: calls.filter((call) => !call.includes(' for ')),
    decisions: [...(own?.decisions.values() ?? [])].map(({ view }) => view),
    timeline: (own?.timeline ?? []).map(({ text }) => text),
  };
}

const PAGED = '0 s pager trigger page.1 critical';
const called = ({ calls }: SettledStory): string[] => calls.filter((call) => call.includes(' cd '));

describe('an automatic rollback waits for alerts of other services', () => {
  test('for ten seconds after its own alert; pages are not delayed', async () => {
    const { calls } = await told({ timeline: { '0 s': fires(), '9 min': ends() } });
    expect(calls.slice(0, 2)).toEqual([PAGED, '10 s cd roll-back.1 v2 to v1']);
  });

  test.each([
    [0, '0 s cd roll-back.1 v2 to v1'],
    [45, '45 s cd roll-back.1 v2 to v1'],
  ])('for the time set in policy (%i s)', async (settleSeconds, call) => {
    expect(
      called(await told({ given: [policy({ settleSeconds })], timeline: { '0 s': fires(), '9 min': ends() } })),
    ).toEqual([call]);
  });

  test('after the alert that requests it, even if other alerts of its service have fired for longer', async () => {
    const quiet = { name: 'HighLatency', labels: { action: '' } };
    const requests = fires({ began: 8 * 60 });
    const story = { timeline: { '0 s': fires(quiet), '8 min': requests, '20 min': all(ends(quiet), ends()) } };
    expect(called(await told(story))).toEqual(['490 s cd roll-back.2 v2 to v1']);
  });

  test('but not if monitoring identifies the bad version', async () => {
    const health = { promql: 'errors', max: 0.01, byVersion: 'errors by (version)' };
    const told2 = await told({
      given: [
        configured({ health }),
        deploys('v3', 4, { status: 'started', finished_at: null, canary_weight: 0.5 }),
        ({ deps }) => {
          deps.metrics.range = async (_promql, from, until) =>
            samplesOf(from, until, (at) => (at < NOON ? 0.001 : 0.2));
          deps.metrics.rangeByLabel = async (_promql, _label, from, until) => [
            { label: 'v2', curve: samplesOf(from, until, () => 0.001) },
            { label: 'v3', curve: samplesOf(from, until, (at) => (at < NOON ? 0.001 : 0.4)) },
          ];
        },
      ],
      timeline: { '0 s': fires(), '9 min': ends() },
    });
    expect(called(told2)).toEqual(['0 s cd roll-back.1 v3 to v1']);
  });

  test('but not if a person requested or approved it', async () => {
    const asks = await told({
      given: [policy({ mode: 'suggest' })],
      timeline: { '0 s': fires(), '4 min': says({ kind: 'rollback', by: 'person:ada', note: '' }), '9 min': ends() },
    });
    expect(called(asks)).toEqual(['240 s cd roll-back.2 v2 to v1']);
    const approves = await told({
      given: [policy({ mode: 'approve' })],
      timeline: { '0 s': fires(), '4 min': answers('approved'), '9 min': ends() },
    });
    expect(called(approves)).toEqual(['240 s cd roll-back.1 v2 to v1']);
  });
});

describe('the second judgement, before an automatic rollback', () => {
  test('does not blame the deploy for an outage of many services, even if the deployed service alerts first', async () => {
    const { world, calls, decisions, timeline } = await told({
      given: [beside],
      timeline: {
        '0 s': fires(),
        '2 s': fires(of('cart')),
        '4 s': fires(of('search')),
        '6 s': fires(of('ledger')),
        '9 min': all(...STRANGERS.map((name) => ends(of(name))), ends()),
      },
    });
    expect(calls).toEqual([PAGED, '540 s pager resolve page.1 critical']);
    expect(decisions.map(({ kind }) => kind)).toEqual(['roll_back', 'none']);
    expect(decisions[1]?.reasons.map(({ code }) => code)).toContain('several_fail');
    expect(timeline).toContainEqual(
      expect.stringMatching(
        /^Not rolled back: another judgement directly before the rollback decided against it: probably no change caused this/,
      ),
    );
    expect(world.store.automaticActions).toEqual([]);
  });

  test('requires approval, which a person can give, if two other services fail', async () => {
    const { calls, decisions } = await told({
      given: [beside],
      timeline: {
        '0 s': fires(),
        '3 s': all(fires(of('cart')), fires(of('search'))),
        '4 min': answersWhatWaits('approved'),
        '20 min': all(ends(of('cart')), ends(of('search')), ends()),
      },
    });
    expect(decisions.map(({ kind, state }) => [kind, state])).toEqual([
      ['roll_back', 'final'],
      ['approve', 'approved'],
    ]);
    expect(calls).toEqual([PAGED, '240 s cd roll-back.2 v2 to v1', '1200 s pager resolve page.1 critical']);
  });

  test('prevents a rollback without objections if other services now fail', async () => {
    const one = await told({
      given: [policy({ mode: 'approve', onApprovalTimeout: 'act', approvalTimeoutMinutes: 2 }), beside],
      timeline: {
        '0 s': fires(),
        '1 min': all(...STRANGERS.map((name) => fires(of(name)))),
        '20 min': all(...STRANGERS.map((name) => ends(of(name))), ends()),
      },
    });
    expect(called(one)).toEqual([]);
    expect(one.timeline).toContainEqual(expect.stringMatching(/^Not rolled back: another judgement/));
  });

  test('does nothing if the service is healthy again', async () => {
    const one = await told({
      given: [
        configured({ health: { promql: 'errors', max: 0.01 } }),
        ({ deps }) => {
          deps.metrics.range = async (_promql, from, until) =>
            samplesOf(from, until, (at) => (at < plusSeconds(NOON, -120) || at > plusSeconds(NOON, 5) ? 0.001 : 0.4));
        },
      ],
      timeline: { '0 s': fires(), '9 min': ends() },
    });
    expect(called(one)).toEqual([]);
    expect(one.decisions.map(({ kind }) => kind)).toEqual(['roll_back', 'none']);
    expect(one.decisions[1]?.reasons.map(({ text }) => text).join('; ')).toContain('the problem may be over');
  });

  test('does not happen if the incident is resolved', async () => {
    const { calls, timeline } = await told({ timeline: { '0 s': fires(), '4 s': ends() } });
    expect(calls).toEqual([PAGED, '4 s pager resolve page.1 critical']);
    expect(timeline).toContainEqual('Not rolled back: the incident was resolved in the meantime');
  });

  test('reports guards that apply now', async () => {
    const pause: Moment = ({ deps }) =>
      deps.automation.write({ paused: true, reason: null, mode: null, services: {} }, 'person:ada');
    const { calls, timeline } = await told({ timeline: { '0 s': fires(), '4 s': pause, '9 min': ends() } });
    expect(calls.slice(0, 2)).toEqual([PAGED, '10 s pager trigger page.2 critical']);
    expect(timeline).toContainEqual('Not rolled back: the kill switch is on, set by person:ada');
  });

  test('does not stop a rollback after its first attempt, which may itself have caused the new alerts', async () => {
    const one = await told({
      given: [
        beside,
        (world) => {
          world.rollbacks = [
            { kind: 'later', detail: 'answered 503', afterSeconds: 60 },
            { kind: 'succeeded', id: 'rb-1' },
          ];
        },
      ],
      timeline: {
        '0 s': fires(),
        '30 s': all(...STRANGERS.map((name) => fires(of(name)))),
        '9 min': all(...STRANGERS.map((name) => ends(of(name))), ends()),
      },
    });
    expect(called(one)).toEqual(['10 s cd roll-back.1 v2 to v1', '70 s cd roll-back.1 v2 to v1']);
  });

  test('leaves a rollback to a person if judgements keep changing', async () => {
    let judgements = 0;
    const one = await told({
      given: [
        configured({ health: { promql: 'errors', max: 0.01 } }),
        ({ deps }) => {
          deps.metrics.range = async (_promql, from, until) => {
            judgements += 1;
            const began = judgements % 2 === 1 ? plusSeconds(NOON, -120) : from;
            return samplesOf(from, until, (at) => (at < began ? 0.001 : 0.4));
          };
        },
      ],
      timeline: { '0 s': fires(), '9 min': ends() },
    });
    expect(called(one)).toEqual([]);
    expect(one.decisions.map(({ kind }) => kind)).toEqual(Array.from({ length: 8 }, () => 'roll_back'));
    expect(one.calls.filter((call) => call.includes('trigger'))).toEqual([PAGED, '10 s pager trigger page.2 critical']);
  });
});

test('settleSeconds is 10 by default', () => {
  const [checkout] = Object.values(acting().services);
  const [production] = Object.values(checkout?.environments ?? {});
  expect(production?.autoRollback.settleSeconds).toBe(10);
});
