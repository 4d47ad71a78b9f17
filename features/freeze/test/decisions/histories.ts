import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { Freeze } from '../../schemas/freeze.ts';
import { type Event, History } from './history.ts';

const event: fc.Arbitrary<Event> = fc.tuple(
  fc.nat(15),
  fc.nat(1023),
  fc.nat(1023),
  fc.oneof(fc.nat(120), fc.nat(1800)),
);

const causeOf = ({ cause, slo, incident_id, calendar, opened_by }: Freeze): string | null =>
  ({ budget: slo, burn: slo, incident: incident_id, calendar, person: opened_by, pin: null })[cause];

/**
 * Checks generated histories: nothing passes a freeze unrecorded, and freezes open and end correctly.
 *
 * @returns reason codes that occurred, and causes of ended freezes
 */
export function checkHistories(parameters: { numRuns: number; seed?: number }): Set<string> {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(event, { minLength: 4, maxLength: 11 }), (events) => {
      const history = new History();
      for (const each of events) history.step(each);
      const records = [...history.world.records.values()];
      expect(records.filter((record) => causeOf(record) === null || record.reason === '')).toEqual([]);
      for (const what of history.seen) seen.add(what);
    }),
    parameters,
  );
  return seen;
}
