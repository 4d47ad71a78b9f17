import { expect, test } from 'vitest';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { answersWhatWaits, configured, deploys, ends, fires, play, samplesOf, theIncident } from '../play.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
/** v2 began eight minutes before the story, and fails three minutes later. v3 replaces it two minutes after the start of the story. */
const SINCE = plusSeconds(NOON, -300);

test('a rollback past a newer deploy that has not helped pins the running version and the suspect, and marks the suspect', async () => {
  const { world } = await play({
    given: [
      configured({
        health: { promql: 'rate(errors[1m])', max: 0.01 },
        autoRollback: { mode: 'act', unknownMigration: 'act' },
      }),
      ({ deps }) => {
        deps.metrics.range = async (_promql, from, until) => samplesOf(from, until, (at) => (at < SINCE ? 0.001 : 0.4));
      },
    ],
    timeline: {
      '5 min': deploys('v3', 3, { finished_at: plusSeconds(NOON, 150) }),
      '12 min': fires(),
      '14 min': answersWhatWaits('approved'),
      '40 min': ends(),
    },
  });
  expect(world.calls.filter((call) => call.startsWith('cd '))).toEqual(['cd roll-back.1 v3 to v1']);
  const changes = await world.deps.changes.recent({ service: 'checkout', environment: 'production' } as never, 9);
  const id = theIncident(world);
  expect(changes.map(({ version, rolled_back_by: by }) => [version, by === id])).toEqual(
    expect.arrayContaining([
      ['v2', true],
      ['v3', false],
    ]),
  );
  const pins = await world.deps.pins.of({ service: 'checkout', environment: 'production' } as never);
  expect(pins.map(({ version }) => version)).toEqual(['v3', 'v2']);
});
