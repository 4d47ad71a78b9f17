import { emailTextOf } from '../../../core/domain/messages/notifications.ts';
import { statusUpdate } from '../decisions/status-update.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';
import { shownToResponders } from '../../../test/support/shown-texts.ts';

/** When stakeholders hear more at the latest. */
const NEXT_UPDATE = '2026-11-20T13:30:00.000Z' as Timestamp;

const LINK = 'https://firebreak.example.com/approve/1';

export const CHANNELS = ['console', 'slack', 'cli', 'mail'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Returns what each channel says about an incident now, as text. */
export async function shownTexts(world: FakeWorld, id: IncidentId): Promise<Record<Channel, string>> {
  const story = await world.deps.incidents.story(id, null);
  if (story === undefined) throw new Error(`no incident ${id}`);
  // Of a reader who may answer questions.
  const approvals = new Map(story.decisions.map(({ id: of }) => [of, LINK]));
  const mail = emailTextOf(statusUpdate(story, { approvals }, NEXT_UPDATE));
  return { ...(await shownToResponders(world, id)), mail };
}
