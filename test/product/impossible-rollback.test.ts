import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

/** A rollback that is known to be impossible is refused at the request, with what to do instead, and nothing is recorded. */

const MEMBERS = ['cart', 'search', 'ledger'];

let firebreak: Firebreak;
beforeAll(async () => {
  const environments = { staging: { deployer: { kind: 'http' } } };
  firebreak = await Firebreak.start({
    services: {
      ...Object.fromEntries(MEMBERS.map((service) => [service, { environments: { production: null } }])),
      bare: { environments: { staging: null } },
      fresh: { environments },
      first: { environments },
      limited: { environments },
    },
    configFiles: { 'routes.yaml': 'manyAtOnce: { incidents: 2, minutes: 5 }\nfailTogether: ignore\n' },
  });
});
afterAll(() => firebreak?.remove());

const deployed = (service: string, version: string, minutes: number, more: object = {}) =>
  firebreak.post('/v1/deployments', {
    service,
    environment: 'staging',
    version,
    started_at: minutesAgo(minutes),
    finished_at: minutesAgo(minutes - 1),
    ...more,
  });

const declared = async (service?: string): Promise<string> =>
  (await firebreak.post('/v1/incidents', { service, environment: 'staging', title: 'Down', severity: 'warning' })).body
    .id;

/** Requests a rollback, and expects that nothing is recorded. */
async function refusal(id: string): Promise<[status: number, code: string, detail: string]> {
  const { status, body } = await firebreak.post(`/v1/incidents/${id}/actions/rollback`, {});
  const { items } = (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body;
  expect(items.map(({ kind }: { kind: string }) => kind)).not.toContain('rollback.requested');
  return [status, body.code, body.detail];
}

test.each([
  [
    'has no deployer',
    'bare',
    'no-deployer',
    'bare in staging has no deployer in services.yaml, so Firebreak cannot roll it back: add one, or use your CD system',
  ],
  [
    'is not in the catalogue',
    'shop',
    'no-deployer',
    'shop is not in services.yaml, so Firebreak cannot roll it back: add it with a deployer, or use your CD system',
  ],
  ['is not known', undefined, 'no-deployer', expect.stringContaining('open an incident of the service')],
  ['has no recorded deployment', 'fresh', 'nothing-runs', expect.stringContaining('no deployment of it is recorded')],
])('of a service that %s', async (_, service, code, detail) => {
  expect(await refusal(await declared(service))).toEqual([409, code, detail]);
});

test('of a service without an earlier version', async () => {
  await deployed('first', 'v1', 90);
  expect(await refusal(await declared('first'))).toEqual([
    409,
    'no-rollback-target',
    'no version of first in staging before v1 is known to be good, and no other recorded version can be restored',
  ]);
});

test('of a version that cannot be rolled back so far', async () => {
  await deployed('limited', 'v1', 900);
  await deployed('limited', 'v2', 90, { rollback_safe_to: 'v2' });
  expect(await refusal(await declared('limited'))).toEqual([
    409,
    'rollback-not-safe',
    'v2 can be rolled back no further than v2, and v1 is older',
  ]);
});

test('of a group of incidents, which names its members', async () => {
  const firing = MEMBERS.map((service) => alert({ labels: { service }, fingerprint: service.padEnd(16, '0') }));
  await firebreak.post('/v1/alerts/alertmanager', group(firing));
  const open = async (): Promise<{ id: string; number: number; service: string; parent_id: string | null }[]> =>
    (await firebreak.get('/v1/incidents?environment=production&limit=100')).body.items;
  const members = await eventually(async () => {
    const joined = (await open()).filter(({ parent_id: parent }) => parent !== null);
    return joined.length === MEMBERS.length && joined;
  }, 'the group');
  const [status, code, detail] = await refusal(String(members[0]?.parent_id));
  expect([status, code]).toEqual([409, 'rollback-of-group']);
  for (const { number, service } of members) expect(detail).toContain(`INC-${number} (${service})`);
});
