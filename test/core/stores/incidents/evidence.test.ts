import { expect, test } from 'vitest';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { EvidencePack } from '../../../../schemas/incidents/evidence-pack.ts';
import { inTheTable, inputs, judged, opened, rollbackBegun, stores } from '../../stores/promises.ts';
import { openTable } from '../../stores/stores.ts';

const packOf = (id: IncidentId, more: Partial<EvidencePack> = {}): EvidencePack => ({
  name: 'roll-back.1',
  incident_id: id,
  action: 'roll-back',
  text: 'Rolling back v2 to v1',
  at: stores.clock.now(),
  stored_at: stores.clock.now(),
  sha256: 'a'.repeat(64),
  bytes: 2,
  ...more,
});

const entryOf = ({ incident_id, name, stored_at }: EvidencePack) => ({
  id: `evidence:${incident_id}:${name}`,
  at: stored_at,
  actor: 'firebreak',
  kind: 'evidence.stored',
  subject: incident_id,
  text: 'Stored',
  detail: {},
});

const dueOf = async (id: IncidentId) => (await stores.evidencePacks.due()).filter((one) => one.id === id);

inTheTable(() => {
  test('an action is due from its intent until its evidence is recorded', async () => {
    const id = await opened();
    await judged(id, 1, inputs());
    expect(await dueOf(id)).toEqual([]);
    await rollbackBegun(id);
    expect(await dueOf(id)).toEqual([{ id, name: 'roll-back.1' }]);

    const { evidencePacks } = stores;
    expect(await evidencePacks.read(id, 'roll-back.1')).toBeUndefined();
    expect(String(await evidencePacks.keep(id, 'roll-back.1', '{}'))).toBe('{}');
    expect(String(await evidencePacks.keep(id, 'roll-back.1', '[]'))).toBe('{}');
    expect(await evidencePacks.list(id)).toEqual([]);
    const pack = packOf(id);
    await evidencePacks.record(pack, entryOf(pack));
    await evidencePacks.record({ ...pack, sha256: 'b'.repeat(64) }, entryOf(pack));
    expect(await evidencePacks.list(id)).toEqual([pack]);
    const read = await evidencePacks.read(id, 'roll-back.1');
    expect([read?.pack, String(read?.document)]).toEqual([pack, '{}']);
    expect(await dueOf(id)).toEqual([]);
  });

  test('an action without evidence is settled', async () => {
    const id = await opened();
    await judged(id, 1, inputs());
    await rollbackBegun(id);
    await stores.evidencePacks.settle(id, 'roll-back.1');
    expect(await dueOf(id)).toEqual([]);
  });
});

test('the hash is in the audit log, once', async () => {
  const table = await openTable();
  Object.assign(stores, table);
  const id = await opened();
  const pack = packOf(id);
  for (const _ of [1, 2]) await table.evidencePacks.record(pack, entryOf(pack));
  const { items } = await table.audit.list({ limit: 50 });
  expect(items.filter(({ kind }) => kind === 'evidence.stored')).toHaveLength(1);
  await table.close();
});
