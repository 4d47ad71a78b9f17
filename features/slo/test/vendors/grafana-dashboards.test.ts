import { expect, test } from 'vitest';
import { compareDashboards } from '../../actions/compare-generated.ts';
import { generatedDashboards } from '../../decisions/generate/files.ts';
import { grafanaDashboards } from '../../vendors/grafana-dashboards.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { SetClock } from '../../../../test/support/fake-deps.ts';
import { vendorThat } from '../../../../test/vendors/server.ts';

const [overview, ...others] = generatedDashboards().values();

/** Compares with a Grafana that has the dashboards that `found` returns by UID, or refuses all with `status`. */
async function compare(found: (uid: string) => object | undefined, status = 200) {
  const { url, received } = await vendorThat(({ path }) => {
    const uid = /^\/sub\/api\/dashboards\/uid\/([\w-]+)$/.exec(path)?.[1] ?? '';
    const answer = found(uid);
    if (answer === undefined) return { status: 404, body: '{"message":"Dashboard not found","status":"not-found"}' };
    return { status, body: JSON.stringify({ meta: {}, dashboard: answer }) };
  });
  const config = Config.parse({ version: 'test', services: {}, paging: {} });
  const compared = await compareDashboards({
    config: { current: async () => config, problems: async () => [] },
    loadedMonitoring: {
      rules: async () => null,
      formatted: async () => undefined,
      routing: async () => null,
      ...grafanaDashboards({
        url: async () => `${url}/sub/`,
        token: async () => 'glsa_secret',
        clock: new SetClock('2026-11-22T12:00:00.000Z'),
      }),
    },
  });
  return { ...compared, tokens: new Set(received.map(({ headers }) => headers.authorization)) };
}

test('imported dashboards are compared by their queries, and panels in rows count', async () => {
  const inRow = (panels: unknown[]) => [{ type: 'row', title: 'Row', panels }];
  const same = await compare((uid) => {
    const one = [overview, ...others].find((dashboard) => dashboard?.uid === uid);
    return { ...one, id: 7, version: 12, schemaVersion: 41, panels: inRow(one?.panels ?? []) };
  });
  expect(same).toMatchObject({ state: 'same', differences: [], tokens: new Set(['Bearer glsa_secret']) });

  const panels = (overview?.panels ?? []).map((panel, index) => (index === 1 ? { ...panel, targets: [] } : panel));
  const changed = await compare((uid) =>
    uid === overview?.uid ? { ...overview, panels: [...panels, { type: 'text', title: 'Mine' }] } : undefined,
  );
  expect(changed).toMatchObject({
    state: 'differs',
    differences: [
      {
        kind: 'changed',
        name: 'Firebreak: Objectives and freezes',
        detail: expect.stringContaining('panels that differ: Burn rate, 1 h, Mine;'),
      },
    ],
  });
});

test('dashboards that were not imported do not differ, and a token without permission compares nothing', async () => {
  expect(await compare(() => undefined)).toMatchObject({ state: 'none', differences: [] });
  const refused = await compare(() => ({}), 403);
  expect(refused).toMatchObject({ state: 'unreadable', detail: expect.stringContaining('dashboards:read') });
});
