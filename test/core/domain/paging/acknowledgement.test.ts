import { describe, expect, test } from 'vitest';
import {
  withAcknowledgement,
  isAcknowledged,
  withoutAcknowledgement,
  unacknowledgedPages,
} from '../../../../core/domain/paging/acknowledgement.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Handling } from '../../../../schemas/people/response-roles.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';

const after = (minutes: number) => plusSeconds(NOON, minutes * 60);
type Paged = Pick<IncidentRecord, 'handling' | 'pages'>;

/** An acknowledgement by a person, or its withdrawal by the pager, at that minute. */
type Event = { ack: number; by?: string; page?: number } | { unack: number; page?: number };

const told = (before: Paged, event: Event): Paged => {
  const page = event.page ?? 1;
  const { handling } =
    'ack' in event
      ? withAcknowledgement(before, { by: event.by ?? 'ada', at: after(event.ack), page, atPager: page })
      : withoutAcknowledgement(before, page, after(event.unack));
  return { ...before, handling: { ...before.handling, ...handling } };
};

const all = (pages: number, ...events: Event[]): Paged => events.reduce<Paged>(told, { pages });

describe('the acknowledgement of an incident', () => {
  test('follows the order of events, regardless of the order of delivery', () => {
    const events: Event[] = [{ ack: 1 }, { unack: 31 }];
    expect(isAcknowledged(all(1, ...events))).toBe(false);
    expect(isAcknowledged(all(1, ...events.toReversed()))).toBe(false);
  });

  test.each<[string, Event[]]>([
    ['in order', [{ ack: 1 }, { unack: 31 }, { ack: 32, by: 'grace' }]],
    ['the last one first', [{ ack: 32, by: 'grace' }, { ack: 1 }, { unack: 31 }]],
    ['taking it back last', [{ ack: 1 }, { ack: 32, by: 'grace' }, { unack: 31 }]],
    ['taking it back first', [{ unack: 31 }, { ack: 32, by: 'grace' }, { ack: 1 }]],
  ])('is kept for a later acknowledgement: %s', (_, events) => {
    const now = all(1, ...events);
    expect(isAcknowledged(now)).toBe(true);
    expect(now.handling?.acknowledged).toMatchObject({ by: 'grace', at: after(32), page: 1 });
  });

  test('does not cover later pages', () => {
    const now = all(3, { ack: 1, page: 2 });
    expect([isAcknowledged(now), unacknowledgedPages(now)]).toEqual([false, [3]]);
    expect(unacknowledgedPages({ pages: 2 })).toEqual([2, 1]);
    expect(unacknowledgedPages(all(3, { ack: 1, page: 3 }))).toEqual([]);
  });

  test('of a later page is not withdrawn by an event about an earlier one', () => {
    expect(isAcknowledged(all(2, { ack: 5, page: 2 }, { unack: 1, page: 1 }))).toBe(true);
    expect(isAcknowledged(all(2, { ack: 5, page: 2 }, { ack: 4, page: 1, by: 'grace' }))).toBe(true);
  });

  test('before any page is not one of the pager', () => {
    const handling: Handling = withAcknowledgement({ pages: 0 }, { by: 'ada', at: NOON }).handling ?? {};
    expect(handling).toEqual({ acknowledged: { by: 'ada', at: NOON, page: 0 } });
    expect([isAcknowledged({ pages: 0, handling }), isAcknowledged({ pages: 1, handling })]).toEqual([true, false]);
  });
});
