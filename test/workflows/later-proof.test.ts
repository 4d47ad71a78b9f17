import { expect, test } from 'vitest';
import { Config } from '../../schemas/config/config.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import { deploys, diesAfter, ends, fires, play, samplesOf, theIncident } from './play.ts';
import { recordsLate, unrecorded } from './stories/late-changes.ts';
import { failsBeside, proofPaths } from './stories/proof.ts';

/** Plays a story. Returns the decisions, and what was said about them, with seconds after noon. */
async function told(name: string) {
  const path = proofPaths[name];
  if (path === undefined) throw new Error(`no story ${name}`);
  const { world } = await play(path);
  const { timeline } = world.store.dossier(theIncident(world));
  const { decisions = [] } = (await world.deps.incidents.view(theIncident(world))) ?? {};
  return {
    said: timeline.flatMap(({ kind, at, text }) =>
      /^(?:decision|mitigation)\./.test(kind) ? [`${at.slice(11, 19)} ${kind}: ${text}`] : [],
    ),
    decided: decisions.map(
      ({ kind, state, because, from_version: from }) => `${kind} ${from ?? '-'} (${because}), ${state}`,
    ),
  };
}

test('a version that is proved while its question waits is rolled back', async () => {
  expect(await told('proved-while-the-question-waits')).toMatchInlineSnapshot(`
    {
      "decided": [
        "approve v2 (not_proved), withdrawn",
        "roll_back v2 (suspect), final",
      ],
      "said": [
        "12:02:00 decision.withdrawn: Question withdrawn: v2 is proved now: v2 is at 0.4 (50 % of traffic), v1 at 0.001 (50 % of traffic), which explains the errors of all; the incident is judged again",
        "12:02:00 mitigation.succeeded: Rolled back to v1",
      ],
    }
  `);
});

test('a proved version is rolled back although the process dies after it has withdrawn the question', async () => {
  const { given = [], ...path } = proofPaths['proved-while-the-question-waits'] ?? expect.unreachable();
  const { world } = await play({ ...path, given: [...given, diesAfter('decisions.withdraw')] });
  expect(world.calls).toContain('cd roll-back.2 v2 to v1');
});

test.for([
  ['approved-before-it-is-proved', 'approved'],
  ['rejected-before-it-is-proved', 'rejected'],
  ['the-other-version-fails-while-the-question-waits', 'withdrawn'],
] as const)('%s: there is one decision', async ([name, state]) => {
  expect((await told(name)).decided).toEqual([`approve v2 (not_proved), ${state}`]);
});

test('a version whose configuration changed with its rollout is asked about, however clearly it alone fails', async () => {
  const { decided, said } = await told('configuration-changes-with-the-rollout');
  expect(decided).toEqual(['approve v2 (not_proved), withdrawn']);
  expect(said.join()).not.toContain('mitigation.succeeded');
});

test('a version is asked about, with the name of the pod, if only one of its pods fails, and rolled back if two do', async () => {
  const decided = async (name: string) => {
    const { world } = await play(proofPaths[name] ?? expect.unreachable());
    return (await world.deps.incidents.view(theIncident(world)))?.decisions ?? [];
  };
  const ofOnePod = await decided('one-pod-of-the-version-fails');
  expect(ofOnePod.map(({ kind }) => kind)).toEqual(['approve']);
  expect(ofOnePod[0]?.reasons).toContainEqual({
    code: 'one_instance',
    text: 'only instance checkout-a of v2 fails, at 0.9; 2 other instances of it are well',
  });
  expect((await decided('two-pods-of-the-version-fail')).map(({ kind }) => kind)).toEqual(['approve', 'roll_back']);
});

test('a version whose errors fall is asked about while it warms up, and rolled back once they stay', async () => {
  expect((await told('version-warms-up')).decided).toEqual([expect.stringMatching(/^approve v2/)]);
  expect((await told('errors-of-a-new-version-stop-falling')).decided.at(-1)).toBe('roll_back v2 (suspect), final');
});

test('a version beside which a flag was flipped is asked about, and the flag is named', async () => {
  const flipped = plusSeconds(NOON, -45);
  const { world } = await play({
    given: [
      failsBeside(() => 0.001, { flags: { kind: 'http', url: 'http://flags.test/{flag}' } }),
      recordsLate('new-cart 7 (on)', 0.75, { kind: 'flag', started_at: flipped, finished_at: flipped }),
    ],
    timeline: { '75 s': fires({ began: 95 }), '9 min': ends() },
  });
  const { decisions = [] } = (await world.deps.incidents.view(theIncident(world))) ?? {};
  expect(decisions.map(({ kind }) => kind)).toEqual(['approve']);
  expect(decisions[0]?.reasons).toContainEqual({
    code: 'other_cause',
    text: expect.stringContaining('flag new-cart 7 (on) of checkout') as string,
  });
  expect(world.calls.filter((call) => call.startsWith('cd'))).toEqual([]);
});

test('a question about another service is withdrawn when it does not hold any more', async () => {
  const begins = plusSeconds(NOON, -120);
  const service = (name: string) => ({
    production: {
      deployer: { kind: 'http', url: 'http://cd.test/rollback' },
      autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
      health: { promql: name, max: 0.01 },
    },
  });
  const { world } = await play({
    given: [
      unrecorded('v2'),
      deploys('p1', 300, { service: 'payments' }),
      deploys('p2', 6, { service: 'payments' }),
      (given) => {
        given.config = Config.parse({
          version: 'test',
          services: {
            checkout: { dependsOn: ['payments'], environments: service('checkout') },
            payments: { environments: service('payments') },
          },
          paging: {},
        });
        const ended = plusSeconds(NOON, 70);
        given.deps.metrics.range = async (_promql, from, until) =>
          samplesOf(from, until, (at) => (at >= begins && at < ended ? 0.4 : 0.001), 15);
      },
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
  });
  const { decisions = [] } = (await world.deps.incidents.view(theIncident(world))) ?? {};
  expect(decisions[0]).toMatchObject({
    target: { service: 'payments' },
    from_version: 'p2',
    state: 'withdrawn',
    withdrawn: { because: expect.stringMatching(/^payments p2 is no longer the probable cause: .*judged again$/) },
  });
  expect(decisions.slice(1).map(({ state }) => state)).not.toContain('waiting');
  expect(world.calls.filter((call) => call.startsWith('cd'))).toEqual([]);
});
