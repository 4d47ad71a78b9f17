import { expect, test } from 'vitest';
import { isFlap, isRated, isSingle, restoreSeconds } from '../../../../core/domain/incidents/figures.ts';
import { UNMATCHED } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

const over = (seconds: number, more: Partial<IncidentRecord> = {}): IncidentRecord =>
  incident({
    status: 'resolved',
    firing: 0,
    recovered_at: plusSeconds(NOON, seconds),
    resolved_at: plusSeconds(NOON, 600),
    ...more,
  });
const group = { group_reason: { because: 'many', name: '', text: '' } } as const;
const unmatched = { service: UNMATCHED, unmatched: 'ghost' };

test.each([
  [
    'a recovery after 11 minutes, resolved later',
    over(660, { resolved_at: plusSeconds(NOON, 1080) }),
    660,
    false,
    true,
  ],
  ['an alert that ended by itself at once', over(6), 6, true, false],
  ['the same, acknowledged', over(6, { handling: { acknowledged: { by: 'ada', at: NOON } } }), 6, true, false],
  ['the same, and a person wrote a note', over(6, { noted: true }), 6, false, true],
  ['a rollback that helped at once', over(6, { verifying: { number: 1 }, verification: 'passed' }), 6, false, true],
  ['an alert that lasted as long as an evaluation', over(15), 15, false, true],
  ['an incident that is open', incident(), null, false, true],
  ['an outage of a service outside the catalogue', over(1800, unmatched), 1800, false, false],
  ['a group', over(1800, group), 1800, false, false],
])('%s', (_, record, seconds, flap, rated) => {
  expect([restoreSeconds(record), isFlap(record), isRated(record)]).toEqual([seconds, flap, rated]);
  expect(isSingle(record)).toBe(record.group_reason === undefined);
});
