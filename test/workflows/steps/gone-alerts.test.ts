import { describe, expect, test } from 'vitest';
import type { AlertState } from '../../../core/domain/ports/alerts.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { all, configured, ends, fires, type Moment, play } from '../play.ts';
import { DAY_IN_AN_HOUR } from '../stories/closings.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
const other = { name: 'HighLatency' };

/** Sets the state of alerts at their source from now on; null: the source does not answer. */
const are =
  (alertState: AlertState | null): Moment =>
  (world) =>
    Object.assign(world, { alertState });

/** Plays an incident whose alert never reports its end. Returns who closed it, and the time in minutes after noon. */
async function closed(timeline: Record<string, Moment>): Promise<[by: string | null, minutes: number]> {
  const { world } = await play({
    given: [DAY_IN_AN_HOUR, configured({ autoRollback: { mode: 'shadow' } }, { autoResolveHours: 1 })],
    timeline: { '0 s': fires(), ...timeline },
  });
  const [incident] = [...world.store.dossiers.values()].map(({ record }) => record);
  return [incident?.resolved_by ?? null, Math.floor(secondsBetween(NOON, incident?.resolved_at ?? NOON) / 60)];
}

const QUIET = ['firebreak:quiet', 70];

describe('an alert without a reported end is considered ended', () => {
  test('if its source says so', async () => {
    expect(await closed({ '15 min': are('over') })).toEqual([null, 22]);
  });

  test('if it is no longer at the source where it was found', async () => {
    expect(await closed({ '0 s': all(are('listed'), fires()), '15 min': are('absent') })).toEqual([null, 22]);
  });

  test('if it was found only later, because the source had not answered', async () => {
    expect(await closed({ '8 min': are('listed'), '15 min': are('absent') })).toEqual([null, 22]);
  });

  test('if all alerts of its incident are', async () => {
    const timeline = {
      '0 s': all(are('listed'), fires()),
      '4 min': fires(other),
      '15 min': are('absent'),
    };
    expect(await closed(timeline)).toEqual([null, 26]);
  });
});

describe('an alert without a reported end is not considered ended', () => {
  test('if it was never found at the source: it may come from a different one', async () => {
    expect(await closed({ '0 s': all(are('absent'), fires()) })).toEqual(QUIET);
  });

  test('if the second lookup finds it again, as after a restart of Alertmanager', async () => {
    const timeline = {
      '0 s': all(are('listed'), fires()),
      '9 min': are('absent'),
      '11 min': are('listed'),
      '80 min': ends(),
    };
    expect(await closed(timeline)).toEqual([null, 80]);
  });

  test('if it is unknown', async () => {
    expect(await closed({ '0 s': all(are('unknown'), fires()) })).toEqual(QUIET);
  });

  test('if it is listed, which counts as a repetition', async () => {
    expect(await closed({ '0 s': all(are('listed'), fires()), '80 min': ends() })).toEqual([null, 80]);
  });

  test('if no source can be queried', async () => {
    expect(await closed({})).toEqual(QUIET);
  });

  test('if only another alert of its incident was found', async () => {
    const timeline = { '0 s': all(are('listed'), fires()), '2 min': all(are('absent'), fires(other)) };
    const [by] = await closed(timeline);
    expect(by).toBe('firebreak:quiet');
  });
});
