import { expect, test } from 'vitest';
import { causeOf, withoutExcluded } from '../../../../core/domain/incidents/cause.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { before, change, clearing } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

const v2 = change('v2', 10);
const suspect = { change_id: v2.id, version: v2.version, confidence: 0.98, reasons: [] };
const resolve = { by: 'person:ada', at: before(-9), note: 'config problem, fixed by hand' };
const resolved = { status: 'resolved', resolved_by: 'person:ada', last_requests: { resolve } } as const;
const undone = { verifying: { number: 1, at: before(-5) }, verification: 'passed' } as const;
const failed = { verifying: { number: 1, at: before(-5), failed: true }, verification: 'failed' } as const;

test.each<[string, Partial<IncidentRecord>, 'v2' | 'words' | 'unknown']>([
  ['the most probable suspect is the cause', {}, 'v2'],
  ['a cleared suspect is not', { cleared: [clearing(v2)] }, 'unknown'],
  [
    'a suspect is not whose rollback a person rejected',
    { cleared: [clearing(v2, { because: 'rejected' })] },
    'unknown',
  ],
  ['a suspect is not whose rollback did not help', { cleared: [clearing(v2, { because: 'did_not_help' })] }, 'unknown'],
  [
    'a suspect is again after the exclusion was taken back',
    { cleared: [clearing(v2, { because: 'rejected', restored: { by: 'bo', at: before(-6) } })] },
    'v2',
  ],
  ['what a person wrote on resolving is the cause', resolved, 'words'],
  ['what a person wrote is not, if a rollback has ended the problem', { ...resolved, ...undone }, 'v2'],
  ['what a person wrote is, if the rollback changed nothing', { ...resolved, ...failed }, 'words'],
  [
    'what a person wrote is, if only a runbook has helped',
    { ...resolved, ...undone, verifying: { number: 0, runbook: 1 } },
    'words',
  ],
  [
    'what a person wrote is not, if the incident was reopened',
    { ...resolved, status: 'open', resolved_by: null },
    'v2',
  ],
  [
    'a person who wrote nothing names no cause',
    { ...resolved, last_requests: { resolve: { by: 'person:ada', at: before(-9) } } },
    'v2',
  ],
])('%s', (_, more, expected) => {
  const read = withoutExcluded(incident({ suspects: [suspect], ...more }));
  const cause = causeOf(read);
  expect(cause.kind === 'change' ? cause.suspect.version : cause.kind).toBe(expected);
  // Whoever reads the suspects alone reads the same.
  expect(read.suspects.length > 0).toBe(expected === 'v2');
});
