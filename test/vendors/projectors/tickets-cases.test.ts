import { expect, test } from 'vitest';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Beat } from './alert-notices.ts';
import { type Fault, WELL } from './faults.ts';
import { expectWritten, played } from './tickets-world.ts';
import { NO_TROUBLE } from './trouble.ts';
import type { Trouble } from './world.ts';

/* What has gone wrong once, each by the least that it takes. */

const beat = (after: number, firing: number, anew = false): Beat => ({ after, firing, anew, marks: [0] });
const faults = (...all: readonly Fault[]): Trouble => ({ ...NO_TROUBLE, faults: all });

test('a comment that is written late is not duplicated', async () => {
  // A lookup, the ticket, and the comment.
  await expectWritten([beat(60, 0)], faults(WELL, WELL, { kind: 'unclear', at: 40_000 }));
});

test('a ticket that is created late is not duplicated', async () => {
  await expectWritten([beat(600, 0)], faults(WELL, { kind: 'unclear', at: 40_000 }));
});

test('all tickets are created, even if they exceed the rate limit of GitHub', async () => {
  const subjects = Array.from({ length: 30 }, (_, n): Subject => `ticket:${n}`);
  const { vendor } = await played([], NO_TROUBLE, subjects);
  expect(vendor.tickets).toHaveLength(30);
});

test('a round that ended while GitHub was down gets its comment', async () => {
  const down = Array.from({ length: 40 }, (): Fault => ({ kind: 'unclear', at: null }));
  await expectWritten([beat(30, 0), beat(1000, 1, true)], faults(WELL, WELL, ...down));
});

test.each([
  [{}, 'checkout production: HighErrorRatio', /^Alert `HighErrorRatio` of `checkout` in `production` has been firing/],
  [
    { serviceEnvironment: { service: 'unmatched', environment: 'unknown' }, title: 'Alerts of unknown services' },
    'Alerts of unknown services',
    /^Alerts of unknown services have been firing since/,
  ],
])('a ticket with %j has the title %s', async (about, title, text) => {
  const { vendor } = await played([], NO_TROUBLE, ['ticket:checkout'], about);
  expect(vendor.tickets).toMatchObject([{ ticket: { title, body: expect.stringMatching(text) } }]);
});
