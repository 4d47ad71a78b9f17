import { describe, expect, test } from 'vitest';
import type { AlertState } from '../../../domain/ports/alerts.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { all, configured, fires, type Moment, play } from '../play.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
const other = { name: 'HighLatency' };

/** So alerts are where they live from now on, as far as anybody answers. */
const are =
  (alertState: AlertState | null): Moment =>
  (world) =>
    Object.assign(world, { alertState });

/** An incident of an alert whose end is never said: by whom it was closed, and how many minutes after noon. */
async function closed(timeline: Record<string, Moment>): Promise<[by: string | null, minutes: number]> {
  const { world } = await play({
    given: [configured({ autoRollback: { mode: 'shadow' } }, { quietHours: 4 })],
    timeline: { '0 s': fires(), ...timeline },
  });
  const [incident] = [...world.store.dossiers.values()].map(({ record }) => record);
  return [incident?.resolved_by ?? null, Math.floor(secondsBetween(NOON, incident?.resolved_at ?? NOON) / 60)];
}

const QUIET = ['firebreak:quiet', 240];

describe('an alert whose end is never said is taken for ended', () => {
  test('when what fires it says so', async () => {
    expect(await closed({ '15 min': are('over') })).toEqual([null, 22]);
  });

  test('when it is not where it was found before', async () => {
    expect(await closed({ '0 s': all(are('listed'), fires()), '15 min': are('absent') })).toEqual([null, 22]);
  });

  test('also when it was found there later only, since nobody had answered', async () => {
    expect(await closed({ '8 min': are('listed'), '15 min': are('absent') })).toEqual([null, 22]);
  });

  test('when all of its incident are', async () => {
    const timeline = {
      '0 s': all(are('listed'), fires()),
      '4 min': fires(other),
      '15 min': are('absent'),
    };
    expect(await closed(timeline)).toEqual([null, 26]);
  });
});

describe('it is not', () => {
  test('when it was never found where it is not now: it may come from elsewhere', async () => {
    expect(await closed({ '0 s': all(are('absent'), fires()) })).toEqual(QUIET);
  });

  test('when it is found again at the second look, as after a restart of Alertmanager', async () => {
    expect(
      await closed({ '0 s': all(are('listed'), fires()), '9 min': are('absent'), '11 min': are('listed') }),
    ).toEqual(QUIET);
  });

  test.each(['unknown', 'listed'] as const)('when it is %s', async (state) => {
    expect(await closed({ '0 s': all(are(state), fires()) })).toEqual(QUIET);
  });

  test('when nobody can be asked', async () => {
    expect(await closed({})).toEqual(QUIET);
  });

  test('when another one of its incident was found, and it was not', async () => {
    const timeline = { '0 s': all(are('listed'), fires()), '2 min': all(are('absent'), fires(other)) };
    const [by] = await closed(timeline);
    expect(by).toBe('firebreak:quiet');
  });
});
