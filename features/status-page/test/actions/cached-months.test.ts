import { expect, test } from 'vitest';
import { cachedMonths } from '../../actions/cached-months.ts';
import { at, MemoryPublicIncidents, publicIncident } from '../support/public-incidents.ts';

test('reads each month once for a time, recent months each time, and old months once in an hour', async () => {
  const incidents = new MemoryPublicIncidents(publicIncident());
  const readsAt = cachedMonths(incidents);
  const readAll = async (time: string) => {
    const { open, startedIn, watchedSince } = readsAt(at(time));
    const before = incidents.reads;
    for (let pages = 1; pages <= 3; pages += 1) {
      await open();
      await watchedSince();
      expect(await startedIn('2026-11')).toHaveLength(1);
      await startedIn('2026-02');
    }
    return incidents.reads - before;
  };
  expect(await readAll('2026-11-22T12:00:00Z')).toBe(4); // open, components, recent, old
  expect(await readAll('2026-11-22T12:00:30Z')).toBe(3);
  expect(await readAll('2026-11-22T13:00:01Z')).toBe(4);
});
