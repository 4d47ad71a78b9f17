import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { publicStatus } from '../../decisions/public-texts.ts';
import { statusProjector } from '../../projectors/status.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { MemoryPublicIncidents } from '../support/public-incidents.ts';
import { anyHistory, type Step } from '../../../../test/vendors/projectors/history.ts';
import { ALERT } from '../../../../test/vendors/projectors/memory-incidents.ts';
import { anyTrouble, NO_TROUBLE } from '../../../../test/vendors/projectors/trouble.ts';
import { configOf, type Trouble, World } from '../../../../test/vendors/projectors/world.ts';
import { runs } from '../../../../test/support/runs.ts';

const ID = '01TEST00000000000000000001' as IncidentId;

async function played(history: readonly Step[], trouble: Trouble = NO_TROUBLE, config = configOf()) {
  const shown = new MemoryPublicIncidents();
  const world = new World('status', trouble, config, (seen) => {
    const store = seen.store(shown);
    return statusProjector({
      ...seen,
      publicIncidents: {
        idOf: (id) => shown.idOf(id),
        read: (id) => store.read(id),
        write: (incident) => store.write(incident),
      },
    });
  });
  world.incidents.begin(ID, {});
  world.tell(ID, history);
  await world.run(30);
  return { world, shown, record: shown.all.get(shown.idOf(ID)) };
}

test('for any history and any interruption, the public record ends in the state of its incident', async () => {
  await fc.assert(
    fc.asyncProperty(anyHistory, anyTrouble, async (history, trouble) => {
      const { world, record } = await played(history, trouble);
      const now = world.incidents.now(ID);
      if (record === undefined) {
        expect(now.status === 'resolved' || now.severity !== 'critical').toBe(true);
        return;
      }
      expect(record.updates.at(-1)?.status).toBe(publicStatus(now));
      expect(record.resolved_at !== null).toBe(now.status === 'resolved');
      expect(JSON.stringify(record), 'no word of an alert').not.toContain(ALERT);
      const statuses = record.updates.map(({ status }) => status);
      expect(statuses.filter((status, n) => statuses[n - 1] === status)).toEqual([]);
    }),
    { numRuns: runs(40) },
  );
});

test('a publication that needs approval is asked for once, on the timeline', async () => {
  const config = configOf({ services: { checkout: { statusPage: { components: ['Checkout'] } } } });
  const { world, shown } = await played([], NO_TROUBLE, config);
  await world.callsWhenMarked(`incident:${ID}`);
  const asked = world.incidents.of(ID).timeline.filter(({ entry }) => entry.kind === 'statuspage.approval_requested');
  expect(asked).toHaveLength(1);
  expect(shown.all.size).toBe(0);
});
