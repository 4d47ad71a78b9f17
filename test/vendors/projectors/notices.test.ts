import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { noticeCard } from '../../../core/domain/messages/alert-notices.ts';
import type { Chat } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { slackProjector } from '../../../vendors/slack/projector/slack.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { anyBeats, type Beat, syncAlertNotice } from './alert-notices.ts';
import { WELL } from './faults.ts';
import { NO_LINKS, NOBODY_MET, NOBODY_WAITS } from './slack-world.ts';
import { anyTrouble, NO_TROUBLE } from './trouble.ts';
import { MemoryChat } from './vendors.ts';
import { configOf, type Trouble, World } from './world.ts';
import { runs } from '../../support/runs.ts';

const SUBJECT: Subject = 'notice:checkout';

/** Notices cause no lookup of people. */
const off = async (): Promise<VendorResponse<never>> => ({ kind: 'off', detail: 'not asked' });
const NOBODY = { onCall: { now: off, email: off }, directory: { userByEmail: off } };

function worldOf(beats: readonly Beat[], trouble: Trouble) {
  const world: World = new World('slack', trouble, configOf(), (seen) =>
    slackProjector({
      ...seen,
      ...NOBODY,
      ...NOBODY_WAITS,
      userCache: NOBODY_MET,
      ...NO_LINKS,
      chat: seen.vendor<Chat>(chat),
      alertNotices,
    }),
  );
  const chat = new MemoryChat(world.clock);
  const team = chat.add('team-checkout');
  const alertNotices = syncAlertNotice(world, SUBJECT, { kind: 'notice', channel: '#team-checkout' }, beats);
  return { world, team, alertNotices };
}

async function expectShown(beats: readonly Beat[], trouble: Trouble): Promise<void> {
  const { world, team, alertNotices } = worldOf(beats, trouble);
  await world.run();
  const now = alertNotices.now();
  const keys = team.messages.map(({ key }) => key);
  expect(keys, 'one message for each round').toEqual([...new Set(keys)]);
  const shown = team.messages.find(({ key }) => key === `${SUBJECT} notice ${now.round}`);
  expect(shown?.message).toEqual(noticeCard(now));
  expect(await world.callsWhenMarked(SUBJECT)).toEqual([]);
}

test('for any marks, alerts without an incident have one correct message per round', async () => {
  await fc.assert(
    fc.asyncProperty(anyBeats, async (beats) => expectShown(beats, NO_TROUBLE)),
    { numRuns: runs(20) },
  );
});

test('for any faults, alerts without an incident have one message per round', async () => {
  await fc.assert(fc.asyncProperty(anyBeats, anyTrouble, expectShown), { numRuns: runs(40) });
});

test('an edit that is refused after an unclear attempt is retried as rarely as any other', async () => {
  const { world } = worldOf([{ after: 60, firing: 2, anew: false, marks: [0] }], NO_TROUBLE);
  let edits = 0;
  world.vendorIs((method) => {
    if (method !== 'edit') return WELL;
    edits += 1;
    return edits === 1 ? { kind: 'unclear', at: null } : { kind: 'refused' };
  });
  await world.run(2, true);
  expect(edits).toBeGreaterThan(3);
  expect(edits).toBeLessThan(20);
});
