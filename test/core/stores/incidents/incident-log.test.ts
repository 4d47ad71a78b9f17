import { describe, expect, test, vi } from 'vitest';
import { IncidentLog } from '../../../../core/stores/incidents/incident-log.ts';
import type { Table } from '../../../../core/stores/table.ts';
import type { Log } from '../../../../core/domain/ports/system.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import { silent } from '../../../support/fake-deps.ts';

const ID = IncidentId.parse('01KAFTS0G2F5VXGB9Q2P4N7C1D');

function logOf(get: () => Promise<undefined>): { events: IncidentLog; lines: unknown[] } {
  const lines: unknown[] = [];
  const log: Log = { ...silent, info: (message, fields) => void lines.push({ message, ...fields }) };
  return { events: new IncidentLog({ get } as unknown as Table, log), lines };
}

const LINE = { message: 'incident resolved', event: 'incident.resolved', incident: ID, actor: 'firebreak' };

describe('an event is logged without the service', () => {
  test('when the incident cannot be read, and the next event reads it again', async () => {
    let reads = 0;
    const { events, lines } = logOf(async () => {
      reads += 1;
      throw new Error('throttled');
    });
    await events.publish(ID, 'incident.resolved', { actor: 'firebreak' });
    await events.publish(ID, 'incident.resolved', { actor: 'firebreak' });
    expect(lines).toEqual([LINE, LINE]);
    expect(reads).toBe(2);
  });

  test('when the table is too slow for a page to wait', async () => {
    vi.useFakeTimers();
    try {
      const { events, lines } = logOf(() => new Promise(() => undefined));
      const told = events.publish(ID, 'incident.resolved', { actor: 'firebreak' });
      await vi.advanceTimersByTimeAsync(250);
      await told;
      expect(lines).toEqual([LINE]);
    } finally {
      vi.useRealTimers();
    }
  });
});
