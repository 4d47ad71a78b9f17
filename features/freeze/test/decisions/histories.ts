import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { Freeze } from '../../schemas/freeze.ts';
import { CheckReasonCode } from '../../schemas/freeze-check.ts';
import { type Event, History } from './history.ts';

const event: fc.Arbitrary<Event> = fc.tuple(
  fc.nat(15),
  fc.nat(1023),
  fc.nat(1023),
  fc.oneof(fc.nat(120), fc.nat(1800)),
);

const causeOf = ({ cause, slo, incident_id, calendar, opened_by }: Freeze): string | null =>
  ({ budget: slo, burn: slo, incident: incident_id, calendar, person: opened_by, pin: null })[cause];

/** Checks so many generated histories: nothing passes a freeze unrecorded, and freezes open and end correctly. */
export function checkHistories(count: number): void {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(event, { minLength: 4, maxLength: 11 }), (events) => {
      const history = new History();
      for (const each of events) history.step(each);
      const records = [...history.world.records.values()];
      expect(records.filter((record) => causeOf(record) === null || record.reason === '')).toEqual([]);
      for (const what of history.seen) seen.add(what);
    }),
    { numRuns: count },
  );
  // The histories are not trivial: every reason occurred, and each kind of freeze opened and ended.
  const ends = ['budget', 'burn', 'calendar', 'incident', 'person'].map((cause) => `end of ${cause}`);
  // These codes are determined before the decision, and histories have no corrections.
  const notHere = ['invalid_token', 'name_corrected', 'unknown_environment', 'budget_corrected'] as const;
  const codes = CheckReasonCode.exclude(notHere).options;
  expect([...seen].toSorted()).toEqual([...codes, ...ends].toSorted());
}
