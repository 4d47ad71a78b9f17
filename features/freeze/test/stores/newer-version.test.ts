import { expect, onTestFinished, test } from 'vitest';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { openTable } from '../../../../test/core/stores/stores.ts';
import { sealSecrets, silent } from '../../../../test/support/fake-deps.ts';
import { keys } from '../../keys.ts';
import { FreezeStateTable } from '../../stores/freeze-state.ts';
import { FreezeTable } from '../../stores/freezes.ts';
import { freeze, override } from '../freezes-support.ts';

/** A field of a newer version. */
const NEWER = { of_a_newer_version: { some: 'thing' } };

test('a freeze with an unknown cause holds until a person lifts it, and keeps its cause', async () => {
  const stores = await openTable();
  onTestFinished(() => stores.close());
  const audit = new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets);
  const freezes = new FreezeTable(stores.table, stores.clock, audit);
  const serviceEnvironment = { service: ServiceName.parse('frozen'), environment: EnvironmentName.parse('production') };
  const now = stores.clock.now();
  const one = freeze('frz_newer', now, serviceEnvironment);
  const overrides = [{ ...override('ovr_1', now), ...NEWER }];
  await freezes.open({ ...one, ...NEWER, overrides, cause: 'weather' as never });

  const checked = async () =>
    (await new FreezeStateTable(stores.table).read({ ...serviceEnvironment, team: null }, [])).own;
  expect(await checked()).toMatchObject([{ id: one.id, cause: 'person' }]);
  expect(await freezes.current()).toMatchObject([{ id: one.id }]);
  expect(await freezes.get(one.id)).toMatchObject({ cause: 'person', ended_at: null });

  await freezes.useOverrides([{ freeze: one.id, override: 'ovr_1', deployment: 'deploy-1' }], 'ci');
  const used = { ...NEWER, id: 'ovr_1', used_by: [{ deployment: 'deploy-1' }] };
  expect(await stores.table.get(keys.freeze(one.id))).toMatchObject({ ...NEWER, cause: 'weather', overrides: [used] });
  const scope = await stores.table.get(keys.freezeScope({ ...serviceEnvironment, team: null }));
  expect(JSON.parse(String(scope?.[`freeze:${one.id}`]))).toMatchObject({
    ...NEWER,
    cause: 'weather',
    overrides: [used],
  });
  expect(JSON.parse(String(scope?.[`freeze:${one.id}`]))).not.toHaveProperty('pk');
  await freezes.end(one.id, { at: now, by: 'ada', reason: 'enough', settled: true });
  expect(await stores.table.get(keys.freeze(one.id))).toMatchObject({ ...NEWER, cause: 'weather', ended_by: 'ada' });
});
