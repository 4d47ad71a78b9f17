import { expect, test } from 'vitest';
import type { ExternalIncident } from '../../../../core/domain/ports/external-pager.ts';
import { isPageOver, resolutionKey, whyPagedAnyway } from '../../../../core/domain/paging/pages.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { Effect } from '../../../../schemas/incidents/incident.ts';
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

const page = { at: due };
const resolution: Effect = {
  key: resolutionKey('I' as IncidentId, 1),
  kind: 'page-resolve',
  target: 'pagerduty',
  class: 'convergent',
  state: 'intended',
  at: due,
  detail: '',
};

test.each<[string, Parameters<typeof isPageOver>, boolean]>([
  ['nothing ended it', [{}, 1, page, undefined], false],
  ['its resolution was sent, also if no answer is known', [{}, 1, page, resolution], true],
  ['a person resolved it at the pager', [{ handling: { dismissed: { page: 1, at: due } } }, 1, page, undefined], true],
  ['a person resolved another one', [{ handling: { dismissed: { page: 1, at: due } } }, 2, page, undefined], false],
  ['its incident was reopened since', [{ reopened_at: plusSeconds(due, 1) }, 1, page, undefined], true],
  ['it was sent at the reopening', [{ reopened_at: due }, 1, page, undefined], false],
])('whether a page is over: %s', (_, [incident, number, sent, resolved], isOver) => {
  expect(isPageOver(incident, number, sent, resolved)).toBe(isOver);
});
