import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emailTextOf } from '../../../core/domain/messages/notifications.ts';
import { bodyOf } from '../../../vendors/slack/blocks.ts';
import { incident, story } from '../../../test/core/stories.ts';
import { aStory } from '../../../test/vendors/slack/wild-stories.ts';
import { messageProblems } from '../../../test/support/block-kit.ts';
import { nextNotification } from '../decisions/digest.ts';
import { statusUpdate } from '../decisions/status-update.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { runs } from '../../../test/support/runs.ts';

test("a status update keeps Slack's limits, with any content", () => {
  fc.assert(
    fc.property(aStory, (any) => {
      expect(messageProblems(bodyOf(statusUpdate(any)))).toEqual([]);
    }),
    { numRuns: runs(60) },
  );
});

test('a status update links to the incident if its address is known', () => {
  const url = 'https://firebreak.example.com/console/incidents/1';
  expect(emailTextOf(statusUpdate(story(), { url }))).toContain(`<${url}>`);
  expect(emailTextOf(statusUpdate(story()))).not.toContain('/console/');
});

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

test.each([
  ['before it, the time that a responder named', 20, 5, '2026-11-20 12:30 UTC'],
  ['after it, the next one of the interval', 40, 5, '2026-11-20 12:45 UTC'],
])('a status update has one time of the next update: %s', (_, now, interval, expected) => {
  const update = { by: 'ada', at: NOON, text: 'We roll back.', next_at: plusSeconds(NOON, 30 * 60) };
  const open = incident({ handling: { stakeholder_update: update } });
  const next = nextNotification(open, { everyMinutes: interval }, { now: plusSeconds(NOON, now * 60), timeScale: 1 });
  expect(emailTextOf(statusUpdate(story({ incident: open }), {}, next))).toContain(
    `Next update\nBy ${expected}, or earlier if something changes.`,
  );
});

test.each([
  ['its first problem', {}, '12:00'],
  ['its problem, which returned after the resolution', { returned_at: plusSeconds(NOON, 3600) }, '13:00'],
  [
    'its newest problem',
    { new_onset: { at: plusSeconds(NOON, 1800), recovered_at: plusSeconds(NOON, 900), seq: 3, judged: 1 } },
    '12:30',
  ],
])('a status update says since when the service is impaired: by %s', (_, more, clock) => {
  const open = incident({ opened_at: NOON, ...more });
  expect(emailTextOf(statusUpdate(story({ incident: open })))).toContain(`Since 2026-11-20 ${clock} UTC.`);
});
