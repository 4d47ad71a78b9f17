import { expect, test } from 'vitest';
import { keepsOpen } from '../../../../core/domain/incidents/keeps-open.ts';
import { PagingFile } from '../../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { signal } from '../../../support/signals.ts';
import { incident, story } from '../../stories.ts';

const paging = PagingFile.parse({ autoResolveHours: 6 });
const because = (more: Partial<IncidentRecord>, timeScale = 1): string[] =>
  keepsOpen(story({ incident: incident({ firing: 0, ...more }), signals: [signal()] }), { paging }, timeScale);

test.each<[name: string, Partial<IncidentRecord>, expected: RegExp]>([
  [
    'a person declared it',
    { by_hand: true },
    /^a person declared it; a person resolves it, or it closes as not verified after 6 h without activity$/,
  ],
  [
    'a failed deployment opened it',
    { by_event: true },
    /^an event opened it, whose end nobody reports; a person resolves it, or it closes .* after 6 h /,
  ],
  [
    'no end of an alert was reported',
    { last_seen_alerts: 1 },
    /; after 6 h without activity, it closes as not verified$/,
  ],
  [
    'a person declared it, and an alert fires',
    { by_hand: true, firing: 1 },
    /so that the end of its alerts does not close it$/,
  ],
])('how and when an incident closes: %s', (_, more, expected) => {
  expect(because(more).at(-1)).toMatch(expected);
});

test('a firing alert is named without the value of its title, which is of another time', () => {
  const signals = [signal({ title: 'orders error rate is 21.44 %' })];
  const told = keepsOpen(story({ incident: incident({ firing: 1 }), signals }), { paging }, 1);
  expect(told).toEqual(['1 alert fires: orders error rate']);
});

test('the time without activity is that of a shortened day', () => {
  expect(because({ by_hand: true }, 60)).toEqual([expect.stringMatching(/ after 6 min without activity$/)]);
});
