import { expect, test } from 'vitest';
import { wake } from '../../workflows/wake.ts';
import { deploys, ends, fires, mode, type Moment, play, theIncident } from './play.ts';

const chooses =
  (version: string): Moment =>
  async (world) => {
    const id = theIncident(world);
    const waiting = (await world.deps.incidents.view(id))?.decisions.find(({ state }) => state === 'waiting');
    const digest = waiting?.offers?.find(({ to_version: to }) => to === version)?.digest;
    await world.deps.decisions.answer(id, digest ?? '', 'approved', 'person:ada', '');
    await wake(world.deps, id);
  };

test.each(['v1', 'v2'])('a person chooses between the known good version and the skipped one: %s', async (version) => {
  const { world } = await play({
    given: [mode('approve'), deploys('v3', 2, { finished_at: null, status: 'started' })],
    timeline: { '0 s': fires(), '2 min': chooses(version), '10 min': ends() },
  });
  expect(world.calls.filter((call) => /roll/i.test(call))).toEqual([expect.stringContaining(`v3 to ${version}`)]);
});
