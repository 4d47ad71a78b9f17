import { describe, expect, test } from 'vitest';
import { type QuestionInputs, approvalReasons } from '../../core/domain/runbooks/permission.ts';
import { mintIncidentId } from '../../core/stores/ids.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { answers, answersWhatWaits, ends, fires, type Moment, pauses, play, says, theIncident } from './play.ts';
import { step, story, told } from './stories/one-runbook.ts';
import { answered, dies, done, follows, later, names, retries, runbookPaths, set, starts } from './stories/runbooks.ts';
import type { Path } from './stories/rollbacks.ts';

const acts = (world: FakeWorld): string[] => world.calls.filter((call) => !call.startsWith('pager'));

const path = (name: string): Path => {
  const found = runbookPaths[name];
  if (found === undefined) throw new Error(`no story ${name}`);
  return found;
};

const FLAG = `  - { id: off, uses: flag.disable, with: { flag: basket }, timeout: 5m }`;
const HOOK = `  - { id: hook, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/hook }, timeout: 5m }`;

describe('a run that hands over', () => {
  test('leaves its runbook to the next run, which continues at the same step', async () => {
    const { given = [], timeline, calls } = path('runbook-runs-to-its-end');
    const { world, runs } = await play({ given, timeline, operations: 1490 });
    expect(runs.map(({ result }) => (result as { ended: string }).ended)).toEqual(['handed_over', 'resolved']);
    expect(world.calls).toEqual(calls);
    expect(told(world).filter((line) => line.startsWith('runbook.'))).toHaveLength(3);
  });

  test('does not restart a wait: it ends at its original time', async () => {
    const wait = step(`  - { id: wait, uses: wait, with: { for: 60m } }\n${FLAG}`);
    const { world, runs } = await story(wait, [], { '20 min': dies }, '2 h');
    expect(runs).toHaveLength(2);
    const { timeline } = world.store.dossier(theIncident(world));
    expect(timeline.find(({ kind }) => kind === 'flag.started')?.at).toBe('2026-11-20T13:00:00.000Z');
  });

  test('continues to wait for the verification', async () => {
    const { world } = await story(step(FLAG), [], { '5 min': dies }, '30 min');
    expect(told(world, /^verification|resolved$/).map((line) => line.split(':')[0])).toEqual(
      [
        'verification.inconclusive',
        'alerts.resolved',
        'verification.passed',
        'incident.resolved',
        'page-resolve.succeeded',
      ].filter((kind) => !kind.startsWith('page')),
    );
  });

  test('does not repeat the failed attempt of the previous run', async () => {
    const hook = step(HOOK);
    const { world } = await story(hook, [set({ answers: [answered(503), answered(200)] })], { '1 s': dies });
    expect(acts(world)).toEqual([
      'http POST https://ops.test/hook runbook.1.hook',
      'http POST https://ops.test/hook runbook.1.hook',
    ]);
  });
});

test('after a runbook that acted, the page shows that its result is verified', async () => {
  const { world } = await story(step(FLAG), [], {}, '30 min');
  expect(world.pageUpdates.at(-1)?.details).toMatchObject({
    next_step: 'Watch checkout in production until the mitigation is verified.',
    status: 'mitigated, not verified yet',
  });
});

describe('a repeated request with the same key', () => {
  const runsOf = async (world: FakeWorld) =>
    (await world.deps.runbooks.of(theIncident(world))).map(({ number, done: isDone }) => [number, isDone]);
  const once = { key: 'key', incident: mintIncidentId('2026-11-20T12:00:00.000Z' as Timestamp) };

  test('starts a runbook once, also after it has ended, and after its incident was resolved', async () => {
    const begins = starts('one', {}, once);
    const resolves = says({ kind: 'resolve', by: 'person:ada', note: '' });
    const { world } = await play({
      given: [follows({ one: step(FLAG) })],
      timeline: { '0 s': begins, '1 s': begins, '20 min': begins, '30 min': resolves, '40 min': begins },
    });
    expect(world.store.dossiers.size).toBe(1);
    expect(theIncident(world)).toBe(once.incident);
    expect(await runsOf(world)).toEqual([[101, true]]);
  });

  test('retries a failed run once', async () => {
    const fails = step('  - { id: off, uses: flag.disable, with: { flag: basket }, timeout: 5m }');
    const { world } = await story(fails, [set({ flags: [{ kind: 'refused', detail: 'no' }, done] })], {
      '10 min': retries(1, 'key'),
      '20 min': retries(1, 'key'),
    });
    expect(await runsOf(world)).toEqual([
      [1, true],
      [101, true],
    ]);
  });
});

describe('an action by a person while a runbook runs', () => {
  const slow = step(`  - { id: pause, uses: wait, with: { for: 10m } }\n${FLAG}`);

  test.each<[string, Moment, string]>([
    ['abort', says({ kind: 'abort', by: 'ada', note: '' }, { automationPaused: true }), 'a person paused'],
    ['the kill switch', pauses(true), 'the kill switch is on'],
    [
      'a lower mode',
      (world) => world.deps.automation.write({ mode: 'suggest' }, 'ada'),
      'automation is in mode suggest',
    ],
  ])('%s: no further changes, and the timeline gives the reason', async (_, moment, why) => {
    const { world } = await story(slow, [], { '5 min': moment });
    expect(acts(world)).toEqual([]);
    expect(told(world).join('\n')).toContain(`runbook.step_skipped: off: skipped: ${why}`);
  });

  test('the kill switch between a question and its answer: the approval has no effect', async () => {
    const asks = step(FLAG.replace('5m', '5m, approval: true'));
    const { world } = await story(asks, [], { '5 min': pauses(true), '6 min': answers('approved') });
    expect(acts(world)).toEqual([]);
    expect(told(world)).toContain('runbook.step_skipped: off: skipped: the kill switch is on, set by person:ada');
  });

  test('the kill switch during retries: the timeline says that the outcome is unknown', async () => {
    const { world } = await story(step(FLAG), [set({ flags: [later] })], { '1 min': pauses(true) });
    expect(told(world).join('\n')).toContain('an earlier attempt may have succeeded');
    expect(told(world)).toContain('runbook.changes_remain: Changes that remain: the outcome of "off" is unknown');
    expect(world.store.locks.length).toBe(0);
  });

  test('resolving the incident: a step in progress is followed to its end', async () => {
    const under = { kind: 'in_progress', id: null, handle: 'r-1' } as const;
    const restart = step('  - { id: again, uses: restart, timeout: 30m }');
    const { world } = await story(restart, [set({ acts: [under, under, under, done] })], {
      '5 s': says({ kind: 'resolve', by: 'ada', note: '' }),
    });
    expect(acts(world)).toEqual(['restart', 'restart look r-1', 'restart look r-1', 'restart look r-1']);
    expect(told(world)).toContain('restart.succeeded: again: Restarted, one instance at a time');
    expect(world.store.locks.length).toBe(0);
  });

  test('new alerts: an approved step still does exactly what was approved', async () => {
    const asks = step(
      `  - { id: hook, uses: http, irreversible: true, approval: true, timeout: 5m, with: { method: POST, url: 'https://ops.test/\${{ incident.firing }}' } }`,
    );
    const { world } = await story(asks, [], {
      '1 min': fires({ ...names('one'), name: 'Another' }),
      '5 min': answers('approved'),
      '15 min': ends({ ...names('one'), name: 'Another' }),
    });
    expect(acts(world)).toEqual(['http POST https://ops.test/1 runbook.1.hook']);
  });
});

describe('a question of a runbook', () => {
  const asked = async (more: object, head = step(FLAG)) => {
    const { world } = await play({
      given: [follows({ one: head }, more)],
      timeline: { '0 s': fires(names('one')), '10 min': answersWhatWaits('approved'), '15 min': ends(names('one')) },
    });
    const [question] = [...world.store.dossier(theIncident(world)).decisions.values()].filter(
      ({ view }) => view.question,
    );
    return { world, question };
  };

  test.each([
    [
      'in mode approve',
      { autoRollback: { mode: 'approve', evidence: 'time', approvalTimeoutMinutes: 60 } },
      step(FLAG),
    ],
    ['required by the step', {}, step(FLAG.replace('5m', '5m, approval: true'))],
    ['of a step that only asks', {}, step(`  - { id: sure, uses: approve, with: { text: 'Sure?' } }\n${FLAG}`)],
  ])('%s is stored with all of its inputs, from which its reasons can be derived again', async (_, more, head) => {
    const { question, world } = await asked(more, head);
    const inputs = question?.inputs as unknown as QuestionInputs;
    expect(question?.view.reasons).not.toEqual([]);
    expect(approvalReasons(inputs)).toEqual(question?.view.reasons);
    expect(acts(world)).toEqual(['flag basket off']);
  });

  test('describes the exact action', async () => {
    const { question } = await asked({
      autoRollback: { mode: 'approve', evidence: 'time', approvalTimeoutMinutes: 60 },
    });
    expect(question?.view.question).toBe('off: turn off feature flag basket');
  });
});
