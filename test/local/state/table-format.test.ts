import { expect, test } from 'vitest';
import { keys } from '../../../aws/table/core/keys.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { bringUpToDate } from '../../../local/state/table-format.ts';
import { openTable } from '../../aws/table/stores.ts';
import { arrivals, signal, stranger } from '../../support/signals.ts';

test('a table of an older version keeps its open incidents and its lists; one of a newer version is refused', async () => {
  const stores = await openTable();
  const { table, client, incidents, changes } = stores;
  const take = async (one: ReturnType<typeof signal>) =>
    incidents.admit(arrivals([one]), { at: stores.clock.now(), trace: '' });
  try {
    const [id = '' as IncidentId] = (await take(signal())).opened;
    await take(stranger('disk', { fingerprint: 'disk', severity: 'info' }));
    const service = 'checkout' as ServiceName;
    const { change } = await changes.record(NewChange.parse({ service, environment: 'production', version: 'v1' }));
    const asked = async () => ({
      open: (await incidents.open()).map((one) => one.id),
      waiting: await incidents.pending('9999-01-01T00:00:00.000Z' as never),
      listed: (await incidents.list({ limit: 9 })).items.map((one) => one.id),
      ofService: (await incidents.list({ limit: 9, service })).items.map((one) => one.id),
      changes: (await changes.list({ limit: 9, service })).items.map((one) => one.id),
      apart: (await incidents.apart({ limit: 9, muted: false })).items.map((one) => one.signal.fingerprint),
    });
    const before = await asked();
    expect(before).toEqual({
      open: [id],
      waiting: [id],
      listed: [id],
      ofService: [id],
      changes: [change.id],
      apart: ['disk'],
    });
    // The state that the older version has left.
    for (const key of [keys.openIncident(id), keys.incidentOf(service, id), keys.pending(id)])
      await table.transact([table.remove(key)]);
    await table.transact([table.remove(keys.changeOf(service, change.started_at, change.id))]);
    await table.transact([table.put({ pk: 'PENDING', sk: id, seq: 0, since: stores.clock.now() })]);
    for (const [key, list] of [
      [keys.incident(id), 'INCIDENTS'],
      [keys.change(change, change.started_at, change.id), 'CHANGES'],
    ] as const)
      await table.touch(key, {
        UpdateExpression: 'SET #list = :list',
        ExpressionAttributeNames: { '#list': 'list' },
        ExpressionAttributeValues: { ':list': list },
      });
    expect(await asked()).toMatchObject({ open: [], waiting: [], listed: [], changes: [] });

    await bringUpToDate(client, table.name);
    expect(await asked()).toEqual(before);
    await bringUpToDate(client, table.name);
    expect(await asked()).toEqual(before);

    await table.transact([table.put({ ...keys.format(), format: 99 })]);
    await expect(bringUpToDate(client, table.name)).rejects.toThrow('written by a newer version');
  } finally {
    await stores.close();
  }
});
