import { expect, test } from 'vitest';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Run } from '../../workflows/run.ts';
import { verifyNow } from '../../workflows/steps/mitigate.ts';
import { FakeWorld, idleEngine } from '../support/fake-deps.ts';
import { arrivals, signal } from '../support/signals.ts';
import { all, deploys, ends, fires, type Moment, play, says, theIncident, withHealth } from './play.ts';
import { guardPaths } from './stories/guards.ts';
import { redeployPaths } from './stories/redeploys.ts';
import { paths } from './stories/rollbacks.ts';

/** Plays a story. Returns the status and the verification of the incident at the given moments, and its timeline. */
async function stands(timeline: Record<string, Moment>, at: readonly string[], given: Moment[] = []) {
  const seen: Record<string, string> = {};
  const look =
    (moment: string): Moment =>
    async (world) => {
      const incident = await world.deps.incidents.read(theIncident(world));
      seen[moment] = `${incident?.status}, ${incident?.verification}`;
    };
  const looks = Object.fromEntries(at.map((moment) => [moment, look(moment)]));
  const times = (moment: string): number => Number(moment.split(' ')[0]);
  const story = Object.entries({ ...timeline, ...looks }).toSorted(([a], [b]) => times(a) - times(b));
  const { world } = await play({ given: [withHealth, ...given], timeline: Object.fromEntries(story) });
  return { seen, told: world.store.dossier(theIncident(world)).timeline };
}

const health =
  (value: number): Moment =>
  (world) => {
    world.health = { kind: 'value', value };
  };
const asks = says({ kind: 'rollback', by: 'person:ada', note: '' });

test('a failed verification reopens the incident; a later one that passes resolves it', async () => {
  const { seen, told } = await stands(
    { '0 min': fires(), '20 min': health(0.001), '21 min': ends() },
    ['1 min', '16 min', '22 min'],
    [health(0.4)],
  );
  expect(seen).toEqual({ '1 min': 'mitigated, pending', '16 min': 'open, failed', '22 min': 'resolved, passed' });
  const verdict = told.find(({ kind }) => kind === 'verification.failed');
  expect(verdict?.text).toBe('Not healthy: job:checkout:error_ratio is 40 %, above 1 %. The incident is open again');
});

test('a verdict on a superseded mitigation is reported, and changes no status', async () => {
  const { seen, told } = await stands(
    { '0 min': fires(), '9 min': all(deploys('v3', 0), asks), '17 min': health(0.001), '25 min': ends() },
    ['8 min', '10 min', '16 min', '24.5 min'],
    [health(0.4)],
  );
  expect(seen).toEqual({
    '8 min': 'mitigated, pending',
    '10 min': 'mitigated, pending',
    '16 min': 'mitigated, pending',
    '24.5 min': 'mitigated, passed',
  });
  expect(told.filter(({ kind }) => kind === 'verification.failed').map(({ text }) => text)).toEqual([
    'Not healthy: job:checkout:error_ratio is 40 %, above 1 %',
  ]);
});

test.each([
  ['a rollback', { number: 1, runbook: null }],
  ['a runbook', { number: 0, runbook: 1 }],
])('repeated verifications of %s are reported by each run, also in a round with the same number', async (_, of) => {
  const world = new FakeWorld();
  world.engine = idleEngine(() => undefined);
  const { deps } = world;
  const { opened } = await deps.incidents.admit(arrivals([signal()]), { at: deps.clock.now(), trace: 'trace' });
  const [incidentId = '' as IncidentId] = opened;
  const step = { step: (_name: string, work: () => Promise<unknown>) => work() } as Run;
  for (const run of [1, 2, 2]) await verifyNow(step, { incidentId, ...of, run, round: 4 }, deps);
  const { messages } = await deps.incidents.readInbox(incidentId, 0, null);
  expect(messages.filter(({ message }) => message.kind === 'verification')).toHaveLength(2);
});

test('a story can be played twice in one process', async () => {
  const path = guardPaths['drift-after-a-rollback'] ?? expect.unreachable();
  for (const { world } of [await play(path), await play(path)]) expect(world.calls).toEqual(path.calls);
});

test.each([
  ['was undone without effect is none any more', paths['rollback-does-not-restore-health'], []],
  ['runs again, because its rollback was undone, stays one', guardPaths['drift-after-a-rollback'], ['v2']],
  ['was undone with effect stays one', redeployPaths['redeploy-by-hand'], ['v2']],
])('a suspect that %s', async (_, path, suspects) => {
  const { world } = await play(path ?? expect.unreachable());
  const incident = await world.deps.incidents.read(theIncident(world));
  expect(incident?.suspects.map(({ version }) => version)).toEqual(suspects);
});
