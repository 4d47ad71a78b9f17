import { describe, expect, test } from 'vitest';
import { keys } from '../../core/stores/keys.ts';
import { put } from '../../platforms/store.ts';
import type { DeployFreezes } from '../../core/domain/ports/extensions.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { NOON } from '../core/arbitraries.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { all, answers, answersWhatWaits, deploys, ends, fires, type Moment, play, theIncident } from './play.ts';
import { clears } from './stories/suspects.ts';
import { answered, done, follows, isHealthy, later, names, REROUTE, set, shifts, weights } from './stories/runbooks.ts';

/* What each kind of step does, and how a runbook continues if it fails. */

const step = (...lines: string[]): string => `steps:\n${lines.map((line) => `  - ${line}`).join('\n')}\n`;
const OFF = '{ id: off, uses: flag.disable, with: { flag: basket }, timeout: 5m }';
const RESTART = '{ id: again, uses: restart, timeout: 10m }';
const say = (id: string, text = id) => `{ id: ${id}, uses: note, with: { text: '${text}' } }`;

/** Plays a story with one runbook, whose alert ends after the runbook. */
const story = (head: string, given: Moment[] = [], timeline: Record<string, Moment> = {}, end = '20 min') =>
  play({
    given: [follows({ one: head }), ...given],
    timeline: { '0 s': fires(names('one')), ...timeline, [end]: ends(names('one')) },
  });

const lines = (world: FakeWorld, id: IncidentId = theIncident(world)): string[] =>
  world.store
    .dossier(id)
    .timeline.filter(({ kind }) => /^(runbook|flag|http|scale|restart|reroute)\./.test(kind))
    .map(({ kind, text }) => `${kind}: ${text}`);

const acts = (world: FakeWorld): string[] => world.calls.filter((call) => !call.startsWith('pager'));

const at = (world: FakeWorld, kind: string): string[] =>
  world.store
    .dossier(theIncident(world))
    .timeline.filter((entry) => entry.kind === kind)
    .map((entry) => entry.at.slice(11, 19));

/** A route whose destination is a service and environment of the catalogue; by default that of the incident itself. */
function ownPlace(environment = 'production') {
  const settings = structuredClone(REROUTE);
  Object.assign(settings.reroute.regions.targets.us, { environment });
  return settings;
}

/** Sets a freeze of all services in staging. */
const freezes =
  (isFailure: boolean): Moment =>
  (world) => {
    const inForce: DeployFreezes['inForce'] = async ({ environment }) =>
      environment === 'staging' ? [{ reason: 'errors since noon', isFailure }] : [];
    const part = { isConfigured: () => true, load: async () => ({ inForce }) as DeployFreezes };
    Object.assign(world.deps, { extensions: { ...world.deps.extensions, freezes: [part] } });
  };

const failed = { kind: 'failed', detail: 'it crashed' } as const;

describe('a step that fails', () => {
  test('is retried with growing delays, each time with a new key', async () => {
    const retried = step(
      '{ id: again, uses: restart, timeout: 10m, retry: { max: 2, backoff: exponential, delay: 30s } }',
    );
    const { world } = await story(retried, [set({ acts: [failed, failed, done] })]);
    expect(at(world, 'restart.started')).toEqual(['12:00:00', '12:00:30', '12:01:30']);
    const { effects } = world.store.dossier(theIncident(world));
    expect(
      [...effects.values()].filter(({ kind }) => kind === 'restart').map(({ key }) => key.split('.').slice(3)),
    ).toEqual([['again'], ['again', '2'], ['again', '3']]);
    expect(lines(world).at(-1)).toBe('runbook.finished: Runbook "Test" finished: 1 of 1 steps completed');
  });

  test('is not retried after its last retry, or if the target refuses it', async () => {
    const retried = step('{ id: again, uses: restart, timeout: 10m, retry: { max: 1, delay: 10s } }');
    expect(acts((await story(retried, [set({ acts: [failed] })])).world)).toEqual(['restart', 'restart']);
    const refused = set({ acts: [{ kind: 'refused', detail: 'no such thing' }] });
    expect(acts((await story(retried, [refused])).world)).toEqual(['restart']);
  });

  test('times out with an unknown outcome, and releases the lock of its target', async () => {
    const { world } = await story(step(RESTART), [set({ acts: [later] })]);
    expect(lines(world)).toEqual([
      expect.stringMatching(/^runbook\.started: Started the runbook "Test" \(one, version \w+\)/),
      'restart.started: Restarted, one instance at a time',
      'restart.failed: again: timed out after 600 s: answered 503; an earlier attempt may have succeeded',
      'runbook.changes_remain: Changes that remain: the outcome of "again" is unknown',
      'runbook.failed: Runbook "Test" failed: step again: timed out after 600 s: answered 503; an earlier attempt may have succeeded',
    ]);
    expect(world.store.locks.length).toBe(0);
    expect(at(world, 'restart.failed')[0]?.slice(0, 4)).toBe('12:0');
  });

  test('stops the runbook by default, and continues it with onFailure: continue', async () => {
    const refused = set({ flags: [{ kind: 'refused', detail: 'no such flag' }] });
    expect(lines((await story(step(OFF, say('after')), [refused])).world).join()).not.toContain('after');
    const goesOn = step(OFF.replace('5m', '5m, onFailure: continue'), say('after'));
    expect(lines((await story(goesOn, [refused])).world)).toContain('runbook.step_succeeded: after: after');
  });

  test('runs the failure steps of the runbook first, then undoes earlier steps', async () => {
    const head = `undo: reverse
onFailure:
  do: undo
  steps:
    - { id: tell, uses: note, with: { text: 'it went wrong' } }
    - { id: hook, uses: http, with: { method: GET, url: https://ops.test/state } }
${step(
  '{ id: on, uses: flag.enable, with: { flag: spare }, timeout: 5m }',
  '{ id: more, uses: scale, with: { by: 1, ceiling: 9 }, timeout: 5m }',
  RESTART,
)}`;
    const { world } = await story(head, [set({ acts: [done, failed, done] })]);
    expect(acts(world)).toEqual([
      'flag spare on',
      'scale 3 to 4',
      'restart',
      'http GET https://ops.test/state runbook.1.hook',
      'scale 4 to 3',
      'flag spare off',
    ]);
    expect(lines(world).join()).not.toContain('runbook.changes_remain');
  });

  test('in parallel with another: both run to their end, and the stronger failure policy applies', async () => {
    const head = `undo: reverse
steps:
  - id: both
    parallel:
      - { id: on, uses: flag.enable, with: { flag: spare }, timeout: 5m }
      - { id: again, uses: restart, timeout: 10m, onFailure: undo }
  - { id: never, uses: note, with: { text: never } }
`;
    const { world } = await story(head, [set({ acts: [failed] })]);
    expect(acts(world).toSorted()).toEqual(['flag spare off', 'flag spare on', 'restart']);
    expect(lines(world).join()).not.toContain('never');
  });

  test('lists changes that cannot be undone', async () => {
    const head = `undo: reverse
onFailure: undo
${step('{ id: hook, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/hook }, timeout: 5m }', RESTART)}`;
    const { world } = await story(head, [set({ acts: [failed] })]);
    expect(lines(world)).toContain('runbook.changes_remain: Changes that remain: "hook" cannot be undone');
  });

  test('pages if no page was sent before', async () => {
    const quiet = { ...names('one'), labels: { ...names('one').labels, severity: 'warning' } };
    const { world } = await play({
      given: [follows({ one: step(RESTART) }), set({ acts: [failed] })],
      timeline: { '0 s': fires(quiet), '20 min': ends(quiet) },
    });
    expect(world.calls.filter((call) => call.startsWith('pager trigger'))).toHaveLength(1);
  });
});

describe('a shift of traffic', () => {
  const shift = (more: string, given: Moment[], timeline: Record<string, Moment> = {}) =>
    play({
      given: [follows({ one: shifts(more) }, REROUTE), isHealthy, ...given],
      timeline: { '0 s': fires(names('one')), ...timeline, '20 min': ends(names('one')) },
    });
  const unreadable = { kind: 'later', detail: 'answered 503', afterSeconds: null } as const;
  const SHIFTED = 'reroute eu 100, us 0 to eu 40, us 60';

  test('names the weights on the timeline, and that the traffic is still shifted', async () => {
    const { world } = await shift('', []);
    expect(acts(world)).toEqual([SHIFTED]);
    expect(lines(world)).toEqual(
      expect.arrayContaining([
        'runbook.changes_remain: Changes that remain: the weights of regions are eu 40, us 60 instead of eu 100, us 0, shift the traffic back when it is safe',
      ]),
    );
    expect(at(world, 'reroute.succeeded')).toEqual(['12:00:00']);
  });

  test('never exceeds the limits of the catalogue', async () => {
    const limited = structuredClone(REROUTE);
    Object.assign(limited.reroute.regions, { maxShift: 10 });
    const { world } = await shift('', [follows({ one: shifts() }, limited)]);
    expect(acts(world)).toEqual(['reroute eu 100, us 0 to eu 90, us 10']);
  });

  const unfit: Record<string, Moment> = {
    'is not healthy': set({ health: { kind: 'value', value: 0.5 } }),
    'has an open incident': follows({ one: shifts() }, ownPlace()),
    'is frozen because of failures': all(follows({ one: shifts() }, ownPlace('staging')), freezes(true)),
  };
  test.each(Object.entries(unfit))('is skipped, even with approval, if the destination %s', async (_, given) => {
    for (const more of ['', ', approval: true']) {
      const { world } = await shift(more, [given], { '5 min': answersWhatWaits('approved') });
      expect(acts(world)).toEqual([]);
      expect(lines(world).join()).toMatch(/step_skipped: shift: skipped: .*traffic must not be shifted to us/);
    }
  });

  const unclear: Record<string, Moment> = {
    'has no known health': set({ health: { kind: 'unreadable', detail: 'answered 503' } }),
    'is frozen for another reason': all(follows({ one: shifts() }, ownPlace('staging')), freezes(false)),
  };
  test.each(Object.entries(unclear))('asks a person if the destination %s', async (_, given) => {
    const { world } = await shift('', [given], { '5 min': answersWhatWaits('approved') });
    expect(acts(world)).toEqual([SHIFTED]);
    expect(at(world, 'reroute.started')).toEqual(['12:05:00']);
  });

  test('is withheld if the destination becomes unhealthy while a person decides', async () => {
    const { world } = await shift(', approval: true', [], {
      '4 min': set({ health: { kind: 'value', value: 0.5 } }),
      '5 min': answersWhatWaits('approved'),
    });
    expect(acts(world)).toEqual([]);
  });

  test('reads the weights again later if they cannot be read now', async () => {
    const { world } = await shift('', [set({ weights: [unreadable, unreadable, weights(100, 0)] })]);
    expect(at(world, 'reroute.started')).toEqual(['12:00:07']);
    const never = await shift('', [set({ weights: [unreadable] })]);
    expect(acts(never.world)).toEqual([]);
    expect(lines(never.world)).toContain('runbook.step_failed: shift: the weights could not be read: answered 503');
  });

  test('is not made if nothing is to be shifted', async () => {
    const { world } = await shift('', [set({ weights: [weights(0, 5)] })]);
    expect(lines(world)).toContain('runbook.step_skipped: shift: eu has no traffic: eu 0, us 5');
  });

  test('is only described in mode shadow', async () => {
    const { world } = await shift('', [follows({ one: shifts() }, { ...REROUTE, autoRollback: { mode: 'shadow' } })]);
    expect(acts(world)).toEqual([]);
    expect(lines(world).join()).toContain('in mode shadow');
  });

  describe('is undone', () => {
    const undone = (weightsNow: ReturnType<typeof weights>, answer?: 'approved' | 'rejected') =>
      play({
        given: [
          follows({ one: `onFailure: undo\n${shifts()}  - { id: again, uses: restart, timeout: 5m }\n` }, REROUTE),
          isHealthy,
          set({ acts: [{ kind: 'refused', detail: 'no restarts' }] }),
          // The destination is not checked on the way back.
          (world) =>
            world.on('effects.conclude', {
              before: () => {
                if (!world.calls.includes('restart')) return;
                world.health = { kind: 'value', value: 0.9 };
                if (world.calls.filter((call) => call.startsWith('reroute')).length === 1) world.weights = [weightsNow];
              },
            }),
        ],
        timeline: {
          '0 s': fires(names('one')),
          ...(answer && { '20 min': answersWhatWaits(answer) }),
          '25 min': ends(names('one')),
        },
      });

    test('to exactly the weights that it found', async () => {
      const { world } = await undone(weights(40, 60));
      expect(acts(world)).toEqual([SHIFTED, 'restart', 'reroute eu 40, us 60 to eu 100, us 0']);
      expect(at(world, 'reroute.started').at(-1)?.slice(0, 4)).toBe('12:0');
    });

    test('only with approval if someone has changed the weights since', async () => {
      const approved = await undone(weights(10, 90), 'approved');
      expect(acts(approved.world)).toEqual([SHIFTED, 'restart', 'reroute eu 10, us 90 to eu 100, us 0']);
      expect(at(approved.world, 'reroute.started').at(-1)).toBe('12:20:00');
      const rejected = await undone(weights(10, 90), 'rejected');
      expect(acts(rejected.world)).toEqual([SHIFTED, 'restart']);
    });

    test('not if the weights are those from before already', async () => {
      const { world } = await undone(weights(100, 0));
      expect(acts(world)).toEqual([SHIFTED, 'restart']);
    });
  });
});

describe('a question', () => {
  const asks = (approval: string) => step(OFF.replace('5m', `5m, approval: ${approval}`), say('after'));

  test('without an answer skips the step, or stops the runbook', async () => {
    const skips = await story(asks('{ timeout: 10m, otherwise: skip }'));
    expect(lines(skips.world)).toContain('runbook.step_declined: off: not answered in time');
    expect(lines(skips.world)).toContain('runbook.step_succeeded: after: after');
    expect(at(skips.world, 'runbook.finished')).toEqual(['12:10:00']);
    const stops = await story(asks('{ timeout: 10m, otherwise: stop }'));
    expect(lines(stops.world).join()).not.toContain('after: after');
    expect(at(stops.world, 'runbook.stopped')).toEqual(['12:10:00']);
    expect([...acts(skips.world), ...acts(stops.world)]).toEqual([]);
  });

  test('that is withdrawn is neither rejected nor expired, and its followers say why once', async () => {
    const based = step(
      "{ id: off, uses: flag.disable, with: { flag: '${{ suspect.version }}' }, timeout: 5m, approval: true }",
      say('after'),
    );
    const { world } = await story(based, [], { '5 min': clears('v2') });
    const { timeline } = world.store.dossier(theIncident(world));
    const told = timeline.filter(({ kind }) => /^(decision\.|mitigation\.|runbook\.s)/.test(kind));
    expect(told.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      expect.stringMatching(/^runbook.started: /),
      'mitigation.not_taken: No rollback: no alert requests a rollback (label action: auto-rollback)',
      'decision.withdrawn: Question withdrawn: v2 was not the cause',
      'runbook.stopped: Runbook "Test" stopped: the question of step off was withdrawn: v2 was not the cause. 0 of 2 steps completed',
      expect.stringMatching(/^mitigation.not_taken: No rollback: no other change of this service/),
    ]);
  });

  test('accepts answers only from the people that it names', async () => {
    const head = asks('{ people: [person:bob], timeout: 30m }');
    const { world } = await story(head, [], {
      '5 min': answersWhatWaits('approved', 'person:ada'),
      '9 min': answersWhatWaits('approved', 'person:bob'),
    });
    expect(at(world, 'flag.started')).toEqual(['12:09:00']);
  });

  test('requires two people if the service does', async () => {
    const two = follows(
      { one: step(OFF) },
      { autoRollback: { mode: 'approve', evidence: 'time', approvals: 2, approvalTimeoutMinutes: 30 } },
    );
    const { world } = await story('', [two], {
      '5 min': answersWhatWaits('approved', 'person:ada'),
      '9 min': answersWhatWaits('approved', 'person:bob'),
    });
    expect(at(world, 'flag.started')).toEqual(['12:09:00']);
  });

  test('is asked if the automation of the service was demoted', async () => {
    const demoted: Moment = ({ store }) =>
      store.write([put({ ...keys.demotion('checkout'), service: 'checkout', at: NOON, reason: 'wrong' })]);
    const { world } = await story(step(OFF), [demoted], { '5 min': answers('approved') });
    expect(at(world, 'flag.started')).toEqual(['12:05:00']);
  });

  test('is asked if many incidents are open at once', async () => {
    const oneOfMany: Moment = (world) =>
      world.on('runbooks.choose', {
        before: async () => {
          for (const id of world.store.dossiers.keys()) await world.store.editIncident(id, { parent_id: id });
        },
      });
    const { world } = await story(step(OFF), [oneOfMany], { '5 min': answers('approved') });
    expect(at(world, 'flag.started')).toEqual(['12:05:00']);
  });

  describe('about a rollback', () => {
    const back = (approval: string) =>
      step(`{ id: back, uses: rollback, timeout: 2m, approval: ${approval} }`, say('after'));
    const questions = (world: FakeWorld) =>
      [...world.store.dossier(theIncident(world)).decisions.values()].filter(
        ({ view: { kind } }) => kind === 'approve',
      );

    test.each(['act', 'approve'])('is asked once in mode %s, with its versions', async (mode) => {
      const service = { autoRollback: { mode, evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 60 } };
      const given = [follows({ one: back('true') }, service)];
      const { world } = await story('', given, { '4 min': answersWhatWaits('approved') }, '8 min');
      expect(questions(world).map(({ view }) => [view.from_version, view.to_version, view.state])).toEqual([
        ['v2', 'v1', 'approved'],
      ]);
      // The wait for an answer does not count toward the timeout of the step.
      expect(acts(world)).toEqual(['cd roll-back.2 v2 to v1']);
      expect(lines(world)).toContain('runbook.step_succeeded: after: after');
    });

    test('accepts answers only from the people that the runbook names, until its timeout', async () => {
      const named = back('{ people: [person:bob], timeout: 10m, otherwise: skip }');
      const byAda = { '5 min': answersWhatWaits('approved', 'person:ada') };
      const late = await story(named, [], byAda, '12 min');
      expect(questions(late.world).map(({ view }) => view.state)).toEqual(['expired']);
      expect(at(late.world, 'mitigation.expired')).toEqual(['12:10:00']);
      expect([acts(late.world), lines(late.world)]).toEqual([
        [],
        expect.arrayContaining(['runbook.step_succeeded: after: after']),
      ]);
      const both = await story(named, [], { ...byAda, '9 min': answersWhatWaits('approved', 'person:bob') }, '12 min');
      expect(at(both.world, 'rollback.started')).toEqual(['12:09:00']);
    });

    test('requires two people if the service does, even if the runbook names one', async () => {
      const two = {
        autoRollback: {
          mode: 'act',
          evidence: 'time',
          unknownMigration: 'act',
          approvals: 2,
          approvalTimeoutMinutes: 60,
        },
      };
      const given = [follows({ one: back('{ people: [person:bob] }') }, two)];
      const alone = await story('', given, { '5 min': answersWhatWaits('approved', 'person:bob') }, '9 min');
      expect(acts(alone.world)).toEqual([]);
      const answersOfBoth = {
        '5 min': answersWhatWaits('approved', 'person:bob'),
        '9 min': answersWhatWaits('approved', 'person:ada'),
      };
      const both = await story('', given, answersOfBoth, '12 min');
      expect(at(both.world, 'rollback.started')).toEqual(['12:09:00']);
    });

    test('can still be approved after the step has timed out, and the timeline says so', async () => {
      const service = {
        autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 60 },
      };
      const given = [follows({ one: step('{ id: back, uses: rollback, timeout: 2m }') }, service)];
      const { world } = await story('', given, { '4 min': answersWhatWaits('approved') }, '8 min');
      const { timeline } = world.store.dossier(theIncident(world));
      expect(timeline.map(({ text }) => text)).toContain(
        'back: the step timed out while the rollback was waiting for approval; the rollback can still be approved',
      );
      expect(at(world, 'rollback.started')).toEqual(['12:04:00']);
    });

    test('stops the runbook if it is rejected and the runbook says so', async () => {
      const { world } = await story(back('true'), [], { '5 min': answersWhatWaits('rejected') }, '9 min');
      expect(acts(world)).toEqual([]);
      expect(lines(world).at(-1)).toBe(
        'runbook.stopped: Runbook "Test" stopped, because a step was not approved: 0 of 2 steps completed',
      );
    });
  });

  test('is withdrawn when the incident is resolved, and does not count as rejected', async () => {
    const { world } = await play({
      given: [follows({ one: asks('true') })],
      timeline: { '0 s': fires(names('one')), '5 min': ends(names('one')) },
    });
    expect(lines(world).at(-1)).toBe(
      'runbook.stopped: Runbook "Test" stopped, because the incident was resolved: 0 of 2 steps completed, 1 skipped',
    );
  });
});

describe('waiting', () => {
  const until = (more: string, rest = 'timeout: 10m') =>
    step(`{ id: w, uses: wait.until, with: ${more}, ${rest} }`, OFF);

  test('for a value ends when the condition has held long enough', async () => {
    const head = until(`{ promql: queue_depth, max: 10, for: 2m }`);
    const { world } = await story(head, [set({ health: { kind: 'value', value: 50 } })], {
      '5 min': set({ health: { kind: 'value', value: 3 } }),
    });
    const [begun = ''] = at(world, 'flag.started');
    expect(begun > '12:07:00' && begun < '12:08:00').toBe(true);
    expect(lines(world)).toContain('runbook.step_succeeded: w: queue_depth is 3');
  });

  test('for a condition that is never met times out, and fails', async () => {
    const { world } = await story(until(`{ promql: queue_depth, min: 10 }`), [set({ health: { kind: 'no_data' } })]);
    expect(lines(world)).toContain('runbook.step_failed: w: timed out after 600 s: queue_depth returned no value');
    expect(acts(world)).toEqual([]);
  });

  test('for a query fails without Prometheus', async () => {
    const { world } = await story(until(`{ promql: queue_depth, min: 10 }`));
    expect(lines(world)).toContain('runbook.step_failed: w: Prometheus is not configured (PROMETHEUS_URL)');
  });

  test('for an expression', async () => {
    const { world } = await story(until(`{ cel: 'incident.firing > 1' }`), [], {
      '5 min': fires({ ...names('one'), name: 'Another' }),
      '9 min': ends({ ...names('one'), name: 'Another' }),
    });
    expect(at(world, 'flag.started')[0]?.slice(0, 4)).toBe('12:0');
    expect(lines(world)).toContain('runbook.step_succeeded: w: incident.firing > 1 is true');
  });

  test('for the service to be healthy', async () => {
    const head = step('{ id: ok, uses: verify, timeout: 30m }', say('told', '${{ steps.ok.output.outcome }}'));
    const { world } = await play({
      given: [
        follows({ one: head }, { health: { promql: 'errors', max: 0.1 } }),
        set({ health: { kind: 'value', value: 1 } }),
      ],
      timeline: {
        '0 s': fires(names('one')),
        '9 min': set({ health: { kind: 'value', value: 0 } }),
        '20 min': ends(names('one')),
      },
    });
    expect(lines(world)).toContain('runbook.step_succeeded: told: passed');
  });
});

describe('the target', () => {
  test('is waited for while a rollback holds its lock', async () => {
    const under = { kind: 'in_progress', id: 'rb-1', handle: null } as const;
    const { world } = await play({
      given: [
        follows(
          { one: step(RESTART) },
          { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act', settleSeconds: 0 } },
        ),
        set({ rollbacks: [under, under, under, { kind: 'succeeded', id: 'rb-1' }] }),
      ],
      timeline: {
        '0 s': fires({ ...names('one'), labels: { runbook: 'one' } }),
        '20 min': ends({ ...names('one'), labels: { runbook: 'one' } }),
      },
    });
    expect(acts(world)).toEqual([...Array.from({ length: 4 }, () => 'cd roll-back.1 v2 to v1'), 'restart']);
  });

  test('is never scaled above the ceiling, and not at all if there are enough instances', async () => {
    const scale = (more: string) => step(`{ id: more, uses: scale, with: { ${more} }, timeout: 5m }`);
    expect(acts((await story(scale('factor: 3, ceiling: 5'))).world)).toEqual(['scale 3 to 5']);
    expect(acts((await story(scale('to: 3, ceiling: 5'))).world)).toEqual([]);
    expect(acts((await story(scale('by: 4, ceiling: 2'))).world)).toEqual([]);
  });

  test('is left unchanged if another change superseded the step', async () => {
    const superseded = set({ acts: [{ kind: 'superseded', current: '7' }] });
    const { world } = await story(step('{ id: more, uses: scale, with: { by: 1, ceiling: 9 }, timeout: 5m }'), [
      superseded,
    ]);
    expect(lines(world)).toContain('scale.superseded: more: someone else changed it in the meantime: it is now 7');
    expect(lines(world).join()).toContain('failed: step more');
  });
});

describe('the runbooks of an incident', () => {
  const many = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`r${n}`, step(say('said', `r${n}`))]));

  test('are at most five', async () => {
    const alerts = Object.keys(many).map(names);
    const { world } = await play({
      given: [follows(many)],
      timeline: {
        ...Object.fromEntries(alerts.map((alert, n) => [`${n} min`, fires(alert)])),
        '12 min': all(...alerts.map((alert) => ends(alert))),
      },
    });
    expect(lines(world).filter((line) => line.includes('finished'))).toHaveLength(5);
  });

  test('are found among joining alerts, also after many alerts without a runbook', async () => {
    const others = Array.from({ length: 9 }, (_, n) => ({ name: `Other${n}`, labels: { action: '' } }));
    const { world } = await play({
      given: [follows({ one: step(say('found')) })],
      timeline: {
        ...Object.fromEntries(others.map((alert, n) => [`${n} min`, fires(alert)])),
        '10 min': fires(names('one')),
        '12 min': all(...others.map((alert) => ends(alert)), ends(names('one'))),
      },
    });
    expect(lines(world)).toContain('runbook.step_succeeded: found: found');
  });

  test('each run once, even if two lookups find the same one at once', async () => {
    const { world } = await play({
      given: [follows({ one: step(OFF) })],
      timeline: {
        '0 s': all(
          fires(names('one')),
          fires({ ...names('one'), name: 'Another' }),
          fires({ ...names('one'), name: 'Third' }),
        ),
        '12 min': all(
          ends(names('one')),
          ends({ ...names('one'), name: 'Another' }),
          ends({ ...names('one'), name: 'Third' }),
        ),
      },
    });
    expect(acts(world)).toEqual(['flag basket off']);
  });

  test('keep their version when the file changes or is deleted', async () => {
    const slow = step('{ id: w, uses: wait, with: { for: 10m } }', OFF);
    for (const change of [follows({ one: step(say('changed')) }), follows({})]) {
      const { world } = await story(slow, [], { '5 min': change });
      expect(acts(world)).toEqual(['flag basket off']);
      expect(lines(world).join()).not.toContain('changed');
    }
  });

  test('know the suspect, although they start with the incident', async () => {
    const head = step(
      `{ id: off, uses: flag.disable, when: 'suspect != null && suspect.kind == "flag"', with: { flag: '\${{ suspect.version }}' }, timeout: 5m }`,
    );
    const { world } = await story(head, [
      ({ store }) => store.forgetChanges(),
      deploys('new-basket', 5, { kind: 'flag' }),
    ]);
    expect(acts(world)).toEqual(['flag new-basket off']);
  });
});

describe('a change by a runbook', () => {
  const withHealth = follows({ one: step(OFF, RESTART) }, { health: { promql: 'errors', max: 0.1 } });
  const healthy = (value: number) => set({ health: { kind: 'value', value } });

  test('is verified at the end of the window; a failed verification pages, and counts once', async () => {
    const { world } = await story('', [withHealth, healthy(1)], { '30 min': healthy(0) });
    expect(at(world, 'verification.failed')).toEqual(['12:15:00']);
    expect(world.calls).toContain('pager trigger page.2 critical');
    expect(world.store.automaticActions.map(({ wrong }) => wrong !== undefined)).toEqual([true]);
    expect(at(world, 'verification.passed')).toHaveLength(1);
    expect(world.store.dossier(theIncident(world)).record.status).toBe('resolved');
  });

  test('is verified after the verification of a rollback, and then the incident closes', async () => {
    const head = step('{ id: back, uses: rollback, timeout: 30m }', '{ id: w, uses: wait, with: { for: 5m } }', OFF);
    const { world } = await play({
      given: [follows({ one: head }, { health: { promql: 'errors', max: 0.1 } }), healthy(0)],
      timeline: { '0 s': fires(names('one')), '6 min': ends(names('one')) },
    });
    expect(acts(world)).toEqual(['cd roll-back.2 v2 to v1', 'flag basket off']);
    expect(at(world, 'incident.resolved')[0]?.slice(0, 4)).toBe('12:2');
  });

  test('by an HTTP call keeps the response for later steps and for undo', async () => {
    const head = step(
      '{ id: hook, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/hook }, timeout: 5m }',
      `{ id: w, uses: wait, with: { for: 20m } }`,
      say('told', 'id ${{ steps.hook.output.body.id }}'),
    );
    const { world } = await story(head, [set({ answers: [answered(201, { id: 'd-7' }), answered(500)] })], {
      '10 min': async (w) => {
        const id = theIncident(w);
        w.kill(id, 1);
        await w.deps.incidents.handOver(id, 2, 'dead');
        await w.deps.engine.start(id, 2);
      },
    });
    expect(lines(world)).toContain('runbook.step_succeeded: told: id d-7');
    expect(acts(world)).toHaveLength(1);
  });
});
