import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { IncidentTable } from '../../../../core/stores/incidents/incidents.ts';
import { Table } from '../../../../core/stores/table.ts';
import { SetClock } from '../../../support/fake-deps.ts';
import { StoredData } from '../../../support/stored-data.ts';
import { arrivals, signal } from '../../../support/signals.ts';
import { NOON } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

/** An alert that fires and ends repeatedly, and the times of its notifications. */
type Flapping = { turns: readonly number[]; told: readonly number[] };

/** Intervals in seconds between alternating starts and ends, and the times of notifications. */
const anyFlapping: fc.Arbitrary<Flapping> = fc.record({
  turns: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
  told: fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 12 }),
});

/** Returns what Alertmanager reports at this second: the newest episode, firing or resolved. Null: none yet. */
function toldAt(turns: readonly number[], second: number): Signal | null {
  const times = turns.map((_, n) => turns.slice(0, n + 1).reduce((sum, each) => sum + each, 0));
  const past = times.filter((at) => at <= second).map((at) => plusSeconds(NOON, at));
  const [last, before] = past.toReversed();
  if (last === undefined) return null;
  const firing = past.length % 2 === 1;
  return firing ? signal({ startsAt: last }) : signal({ startsAt: before ?? last, status: 'resolved', endsAt: last });
}

const notifications = ({ turns, told }: Flapping): Signal[] =>
  told
    .toSorted((a, b) => a - b)
    .map((second) => toldAt(turns, second))
    .filter((one) => one !== null);

/** Counts the firing alerts of all incidents, and those in their lists, after these signals in this order. */
async function after(signals: readonly Signal[]): Promise<{ counted: number; listed: number; known: number }> {
  const store = new StoredData();
  const incidents = new IncidentTable(new Table(store), new SetClock(NOON));
  for (const one of signals) await incidents.admit(arrivals([one]), { at: NOON, trace: 'trace' });
  const dossiers = [...store.dossiers.values()];
  const ofAll = async <T>(count: (id: (typeof dossiers)[number]['record']['id']) => Promise<readonly T[]>) =>
    (await Promise.all(dossiers.map(({ record }) => count(record.id)))).flat().length;
  return {
    counted: dossiers.reduce((sum, { record }) => sum + record.firing, 0),
    listed: await ofAll(async (id) =>
      (await incidents.signals(id, { limit: 50 })).items.filter(({ status }) => status === 'firing'),
    ),
    known: await ofAll((id) => incidents.firingEpisodes(id)),
  };
}

const fires = (last: Signal | undefined) => {
  const one = last?.status === 'firing' ? 1 : 0;
  return { counted: one, listed: one, known: one };
};

test('the state of a flapping alert is that of the last notification, at any notification times', async () => {
  await fc.assert(
    fc.asyncProperty(anyFlapping, async (flapping) => {
      const told = notifications(flapping);
      expect(await after(told)).toEqual(fires(told.at(-1)));
    }),
    { numRuns: runs(30) },
  );
});

test('also with repeated or reordered notifications', async () => {
  const shuffled = anyFlapping.chain((flapping) => {
    const told = notifications(flapping);
    const twice = [...told, ...told];
    return fc.record({
      told: fc.constant(told),
      order: fc.shuffledSubarray(twice, { minLength: twice.length, maxLength: twice.length }),
    });
  });
  await fc.assert(
    fc.asyncProperty(shuffled, async ({ told, order }) => {
      expect(await after(order)).toEqual(fires(told.at(-1)));
    }),
    { numRuns: runs(100) },
  );
});

/** Three episodes: the first one ended unreported, and the starts of the others arrive after their ends. */
const EPISODES: Readonly<Record<string, Signal>> = {
  A: signal({ startsAt: plusSeconds(NOON, 100) }),
  B: signal({ startsAt: plusSeconds(NOON, 131) }),
  b: signal({ startsAt: plusSeconds(NOON, 131), status: 'resolved', endsAt: plusSeconds(NOON, 169) }),
  C: signal({ startsAt: plusSeconds(NOON, 189) }),
  c: signal({ startsAt: plusSeconds(NOON, 189), status: 'resolved', endsAt: plusSeconds(NOON, 192) }),
};

test.each(['AbBcC', 'BbAcC', 'bBcAC', 'AcbBC', 'AcbCB', 'AAcbBC'])(
  'a start that arrives after the end of its episode does not fire, in the order %s',
  async (order) => {
    const told = [...order].map((name) => EPISODES[name] ?? expect.unreachable());
    expect(await after(told)).toEqual(fires(undefined));
  },
);
