import { expect, test } from 'vitest';
import type { DriftCheck } from '../../core/domain/rollback/targets.ts';
import { ends, fires, type Moment, pauses, play, theIncident } from './play.ts';

/** The target carries the rollback out, but the answer to it is lost; then nobody may act any more. */
async function outcomes(held: DriftCheck | null): Promise<string[]> {
  const given: Moment = (world) => {
    world.rollbacks = [{ kind: 'later', detail: 'no response', afterSeconds: null }];
    world.held = held && [held];
  };
  const timeline = { '0 s': fires(), '20 s': pauses(true), '9 min': ends() };
  const { world } = await play({ given: [given], timeline });
  expect(world.calls.filter((call) => call.startsWith('cd ')).length).toBeGreaterThan(0);
  return world.store
    .dossier(theIncident(world))
    .timeline.filter(({ kind }) => kind.startsWith('mitigation.'))
    .map(({ kind, text }) => `${kind}: ${text}`);
}

const CHECK = expect.stringMatching(/^mitigation\.withheld: .*kill switch.*check the CD system/);

test('a rollback whose answer was lost counts as done if its target runs the version', async () => {
  expect(await outcomes({ kind: 'holds' })).toEqual([expect.stringMatching(/^mitigation\.succeeded: .*v1/)]);
});

test.each<[string, DriftCheck | null]>([
  ['runs another version', { kind: 'drifted', detail: 'it runs v2' }],
  ['does not respond', { kind: 'unknown', detail: 'no response' }],
  ['cannot be queried', null],
])('a person must check if its target %s', async (_, held) => {
  expect(await outcomes(held)).toEqual([CHECK]);
});
