import { expect, test } from 'vitest';
import type { ExternalIncident } from '../../../../core/domain/ports/external-pager.ts';
import { whyPagedAnyway } from '../../../../core/domain/paging/pages.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';

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
  ['it was just triggered', opened('triggered', 2), 1, undefined],
  ['it was triggered half an hour ago', opened('triggered', 1800), 1, undefined],
  [
    'it was triggered more than half an hour ago',
    opened('triggered', 1801),
    1,
    'it has been unacknowledged for more than 30 minutes, so it may no longer notify anyone',
  ],
  ['it is triggered, and this is a later page', opened('triggered', 600), 2, undefined],
  ['it was created after the alert, and is acknowledged', opened('acknowledged', -5), 1, undefined],
  ['it was created a minute before the alert, and is acknowledged', opened('acknowledged', 60), 1, undefined],
  [
    'it was acknowledged for an earlier problem',
    opened('acknowledged', 61),
    1,
    'it was acknowledged by Ada, Bob earlier, so alerts added to it notify nobody',
  ],
  [
    'it is acknowledged, and this is a later page',
    opened('acknowledged', 2),
    2,
    'it is already acknowledged by Ada, Bob, so it would not notify anyone again',
  ],
])('%s', (_, incident, number, why) => {
  const said = whyPagedAnyway(incident, { number, due });
  if (why === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(why);
});
