import { expect, test } from 'vitest';
import type { DriftCheck, TargetResponse } from '../../core/domain/rollback/targets.ts';
import { wake } from '../../workflows/wake.ts';
import { ends, fires, type Moment, mode, pauses, play, says, theIncident } from './play.ts';

const underWay = (handle: string | null): TargetResponse => ({ kind: 'in_progress', id: 'rb-1', handle });
const done: TargetResponse = { kind: 'succeeded', id: 'rb-1' };
const notYet: DriftCheck = { kind: 'drifted', detail: 'v2 runs' };

type Target = { rollbacks: TargetResponse[]; looks?: TargetResponse[]; held?: DriftCheck[] };
const target =
  ({ held, ...answers }: Target): Moment =>
  (world) => {
    Object.assign(world, answers, held !== undefined && { held });
  };

const person = (kind: 'pause' | 'resume' | 'abort', automationPaused: boolean): Moment =>
  says({ kind, by: 'person:ada', note: '' }, { automationPaused });

/** Rolls back at 10 s, stops it at 20 s, and returns what is shown at 2 min, and the end. */
async function stopped(answers: Target, stop: Moment, go?: Moment) {
  const shown: { state?: string | undefined; timeline: string[] } = { timeline: [] };
  const { world } = await play({
    given: [target(answers)],
    timeline: {
      '0 s': fires(),
      '20 s': stop,
      '2 min': async (now) => {
        const { effects, timeline } = now.store.dossier(theIncident(now));
        shown.state = [...effects.values()].find(({ kind }) => kind === 'roll-back')?.state;
        shown.timeline = timeline.map(({ text }) => text).filter((text) => text.includes('does not repeat'));
      },
      '3 min': go ?? (() => undefined),
      '9 min': ends(),
    },
  });
  const { record, effects } = world.store.dossier(theIncident(world));
  const rollback = [...effects.values()].find(({ kind }) => kind === 'roll-back');
  return {
    shown,
    requests: world.calls.filter((call) => call.startsWith('cd roll-back')).length,
    looks: world.calls.filter((call) => call.startsWith('cd look')).length,
    pages: world.calls.filter((call) => call.startsWith('pager trigger')).length,
    end: [record.status, record.verification, rollback?.state],
    pins: await world.deps.pins.of({ service: record.service, environment: record.environment }),
  };
}

const stops: [string, Moment][] = [
  ['the kill switch', pauses(true)],
  ['a pause of the incident', person('pause', true)],
  ['an abort', person('abort', true)],
  ['mode suggest', mode('suggest')],
];

test.each(stops)('after %s, an accepted rollback is only read, and ends as rolled back', async (_, stop) => {
  const held = [...Array.from({ length: 24 }, () => notYet), { kind: 'holds' } as const];
  const { shown, requests, pages, end, pins } = await stopped({ rollbacks: [underWay(null)], held }, stop);
  // The first request, and checks until the stop.
  expect(requests).toBe(3);
  expect(shown.state).toBe('accepted');
  expect(shown.timeline).toHaveLength(1);
  expect(pages).toBe(1);
  expect(end).toEqual(['resolved', 'passed', 'succeeded']);
  expect(pins).toMatchObject([{ version: 'v2', rolled_back_to: 'v1' }]);
});

test('an accepted rollback whose version cannot be read waits until the kill switch is off', async () => {
  const rollbacks = [...Array.from({ length: 4 }, () => underWay(null)), done];
  const { shown, requests, pages, end, pins } = await stopped({ rollbacks }, pauses(true), pauses(false));
  expect(shown.state).toBe('accepted');
  // At the alert, and once because nobody else sees how the rollback ends.
  expect(pages).toBe(2);
  expect(requests).toBe(5);
  expect(end).toEqual(['resolved', 'passed', 'succeeded']);
  expect(pins).toHaveLength(1);
});

test('the status of an accepted rollback is read while the kill switch is on', async () => {
  const looks = [...Array.from({ length: 30 }, () => underWay('/rb-1')), done];
  const ended = await stopped({ rollbacks: [underWay('/rb-1')], looks }, pauses(true));
  expect(ended.shown).toMatchObject({ state: 'accepted', timeline: [expect.stringContaining('kill switch')] });
  expect([ended.requests, ended.looks]).toEqual([1, 31]);
  expect(ended.end).toEqual(['resolved', 'passed', 'succeeded']);
  expect(ended.pins).toHaveLength(1);
});

test('a run that takes over an accepted rollback under the kill switch does not repeat it', async () => {
  const held = [...Array.from({ length: 40 }, () => notYet), { kind: 'holds' } as const];
  const dies: Moment = async (world) => {
    const id = theIncident(world);
    world.kill(id, 1);
    await world.deps.incidents.handOver(id, 2, 'Run 1 of the workflow has died; run 2 takes over');
    await wake(world.deps, id);
  };
  const { requests, end } = await stopped({ rollbacks: [underWay(null)], held }, pauses(true), dies);
  expect(requests).toBe(3);
  expect(end).toEqual(['resolved', 'passed', 'succeeded']);
});

test('after a newer deploy, an accepted rollback is superseded, also under the kill switch', async () => {
  const deploysV3: Moment = ({ deps, clock }) =>
    deps.changes.record({
      service: 'checkout',
      environment: 'production',
      version: 'v3',
      kind: 'deploy',
      status: 'succeeded',
      started_at: clock.now(),
    } as never);
  const { end } = await stopped({ rollbacks: [underWay(null)], held: [notYet] }, deploysV3, pauses(true));
  expect(end[2]).toBe('superseded');
});

test('a person is paged once if the status of an accepted rollback cannot be read while the kill switch is on', async () => {
  const fails: TargetResponse = { kind: 'later', detail: 'HTTP 503', afterSeconds: null };
  const looks = [underWay('/rb-1'), ...Array.from({ length: 30 }, () => fails), done];
  const { shown, requests, pages, end } = await stopped({ rollbacks: [underWay('/rb-1')], looks }, pauses(true));
  expect(shown.state).toBe('accepted');
  expect([requests, pages]).toEqual([1, 2]);
  expect(end).toEqual(['resolved', 'passed', 'succeeded']);
});

test.each<[string, Target, pages: string[]]>([
  ['whose version is read', { rollbacks: [underWay(null)], held: [notYet] }, []],
  ['whose status is read', { rollbacks: [underWay('/rb-1')], looks: [underWay('/rb-1')] }, []],
  ['of which nothing can be read', { rollbacks: [underWay(null)] }, [expect.stringContaining('neither its status')]],
])('after an hour under the kill switch, a rollback %s pages, and is followed no more', async (_, answers, pages) => {
  const shown: unknown[] = [];
  const { world } = await play({
    given: [target(answers)],
    timeline: {
      '0 s': fires(),
      '20 s': pauses(true),
      '62 min': (now) => {
        const { record, effects } = now.store.dossier(theIncident(now));
        shown.push(record.status, [...effects.values()].find(({ kind }) => kind === 'roll-back')?.state);
      },
      '63 min': ends(),
    },
  });
  expect(shown).toEqual(['open', 'failed']);
  const gaveUp = expect.stringMatching(/was not seen within an hour.*repeats no request.*kill switch/);
  const triggers = world.pageRequests.filter(({ action }) => action === 'trigger');
  expect(triggers.slice(1).map(({ details }) => details?.['page_reason'])).toEqual([...pages, gaveUp]);
});
