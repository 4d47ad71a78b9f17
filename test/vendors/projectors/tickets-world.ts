import { expect } from 'vitest';
import type { AlertNotice } from '../../../core/domain/messages/alert-notices.ts';
import type { Tickets } from '../../../core/domain/ports/tickets.ts';
import { ticketsProjector } from '../../../core/projectors/tickets.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { type Beat, syncAlertNotice } from './alert-notices.ts';
import { MemoryTickets } from './vendors.ts';
import { configOf, type Trouble, World } from './world.ts';

const SUBJECT: Subject = 'ticket:checkout';
const TICKET = {
  kind: 'ticket' as const,
  title: 'HighErrorRatio',
  target: { kind: 'github' as const, repository: 'acme/shop', labels: [] },
};

/** Plays the rounds of one alert or several, and returns the tickets. */
export async function played(
  beats: readonly Beat[],
  trouble: Trouble,
  subjects: readonly Subject[] = [SUBJECT],
  about: Partial<AlertNotice> = {},
) {
  const vendor = new MemoryTickets();
  const world: World = new World('tickets', trouble, configOf(), (seen) =>
    ticketsProjector({
      ...seen,
      alertNotices,
      ticketsFor: async () => seen.vendor<Tickets>(vendor),
    }),
  );
  const [first] = subjects.map((subject) =>
    syncAlertNotice(world, subject, { ...TICKET, ...about } as typeof TICKET, beats),
  );
  if (first === undefined) throw new Error('there is nothing to write a ticket for');
  const alertNotices = first; // all are the same
  await world.run();
  return { world, vendor, now: alertNotices.now() };
}

export async function expectWritten(beats: readonly Beat[], trouble: Trouble): Promise<void> {
  const { world, vendor, now } = await played(beats, trouble);
  const keys = vendor.tickets.map(({ ticket }) => ticket.key);
  expect(keys).toEqual([...new Set(keys)]);
  const [newest] = vendor.tickets.filter(({ ticket }) => ticket.key === `checkout.${now.round}`);
  if (now.firing > 0) expect(newest, 'what fires has a ticket').toBeDefined();
  for (const { ticket, comments } of vendor.tickets) {
    const resolved = [`${ticket.key}.resolved`];
    // An alert that fires again within a round may already have its comment, which is not repeated.
    if (ticket.key === newest?.ticket.key && now.firing > 0) expect([[], resolved]).toContainEqual(comments);
    else expect(comments).toEqual(resolved);
  }
  expect(await world.callsWhenMarked(SUBJECT)).toEqual([]);
}
