import { expect, test } from 'vitest';
import type { ExternalIncident } from '../../../domain/messages/channels.ts';
import { whyUnacknowledged } from '../../../domain/paging/pages.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

const due = '2026-11-20T12:00:00.000Z' as Timestamp;

const opened = (status: ExternalIncident['status'], secondsBefore: number): ExternalIncident => ({
  id: 'Q1',
  url: null,
  title: '',
  status,
  acknowledgedBy: status === 'acknowledged' ? ['Ada', 'Bob'] : [],
  assignedTo: [],
  acknowledged: null,
  resolvedBy: null,
  createdAt: plusSeconds(due, -secondsBefore),
});

test.each<[string, ExternalIncident, number, string | undefined]>([
  ['it has just begun to ring', opened('triggered', 2), 1, undefined],
  ['it has rung for half an hour', opened('triggered', 1800), 1, undefined],
  [
    'it has rung for longer',
    opened('triggered', 1801),
    1,
    'it has been unacknowledged for more than 30 minutes, so it may no longer notify anyone',
  ],
  ['it rings, for a later page', opened('triggered', 600), 2, undefined],
  ['it came later than our alert, and has a person already', opened('acknowledged', -5), 1, undefined],
  ['it came a minute before, and has a person already', opened('acknowledged', 60), 1, undefined],
  [
    'somebody took it for something before',
    opened('acknowledged', 61),
    1,
    'it was acknowledged by Ada, Bob earlier, so alerts added to it notify nobody',
  ],
  [
    'somebody has it, and has to hear of it again',
    opened('acknowledged', 2),
    2,
    'it is already acknowledged by Ada, Bob, so it would not notify anyone again',
  ],
])('%s', (_, incident, number, why) => {
  const said = whyUnacknowledged(incident, { number, due });
  if (why === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(why);
});
