import { expect } from 'vitest';
import { alert, group, minutesAgo, twoDeployments } from './alerts.ts';
import { eventually as soon } from './firebreak.ts';
import type { AttendedProduct } from './scenario-product.ts';
import type { Vendors } from './scenario-vendors.ts';

/** With faults and deaths on the way, and other tests beside it. */
const PATIENCE_MS = 60_000;
const eventually: typeof soon = (look, what) => soon(look, what, PATIENCE_MS);

/** Whether the rollback goes by itself or waits for a person. */
export type Story = 'act' | 'approve';

/**
 * The catalogue under which a story is played. A question stays open for a day: nothing but its answer ends it.
 *
 * @param more for checkout
 */
export const catalogueOf = (story: Story, more: object = {}): object => ({
  checkout: {
    ...more,
    environments: {
      production: {
        deployer: { kind: 'http' },
        autoRollback: { mode: story, unknownMigration: 'act', approvalTimeoutMinutes: 24 * 60 },
      },
    },
  },
  search: {},
});

export type Staging = {
  /** By which the sender lives. Milliseconds since the Unix epoch. */
  now?: () => number;
  /** What has to be before the alert resolves. */
  beforeTheEnd?: () => Promise<void>;
};

/**
 * A bad deploy, from its record to the resolved incident: v1 was good, v2 is suspect, a critical alert asks for a
 * rollback, somebody is paged, v2 goes out, a deploy of v3 fails meanwhile, the alert resolves. Whoever sends something
 * goes on until it is taken.
 */
export async function play(
  story: Story,
  product: AttendedProduct,
  vendors: Vendors,
  { now = Date.now, beforeTheEnd = async () => undefined }: Staging = {},
): Promise<void> {
  const firing = alert();
  for (const deployment of [...twoDeployments(), untouched()]) await record(product, deployment);
  await send(product, firing);
  if (story === 'approve') await approve(product);
  await eventually(async () => (await rollbacks(vendors)).length > 0, 'the rollback at the CD system');
  await eventually(async () => (await pages(vendors, 'trigger')).length > 0, 'the page at PagerDuty');
  await record(product, failed(now()));
  await eventually(
    async () => (await incidentsOf(product))[0]?.signal_count === 2,
    'the failed deploy at the incident',
  );
  await beforeTheEnd();
  await send(product, { ...firing, status: 'resolved', endsAt: new Date(now()).toISOString() });
  await eventually(async () => (await pages(vendors, 'resolve')).length > 0, 'the end of the page at PagerDuty');
}

/** Of a service to which nothing happens, so that nothing later hides what became of its record. */
const untouched = () => ({ service: 'search', environment: 'production', version: 'v9', started_at: minutesAgo(90) });

/** Counts as a signal of the incident that is open. */
const failed = (now: number) => ({
  service: 'checkout',
  environment: 'production',
  version: 'v3',
  status: 'failed',
  started_at: new Date(now).toISOString(),
});

async function record(product: AttendedProduct, deployment: object): Promise<void> {
  expect((await product.insist('POST', '/v1/deployments', deployment)).status).toBeOneOf([200, 201]);
}

async function send(product: AttendedProduct, one: object): Promise<void> {
  const { status, body } = await product.insist('POST', '/v1/alerts/alertmanager', group([one]));
  expect({ status, body }).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 0 } });
}

const incidentsOf = async (product: AttendedProduct): Promise<any[]> => (await product.get('/v1/incidents')).body.items;

/** A person who hears no answer looks at the incident, and says it again only where the question still waits. */
async function approve(product: AttendedProduct): Promise<void> {
  await eventually(async () => product.output.includes('"step":"ask"'), 'the question');
  await eventually(async () => {
    const [incident] = await incidentsOf(product);
    const [{ digest, state }] = incident.decisions;
    if (state !== 'waiting') return state === 'approved';
    const { status } = await product.insist('POST', `/v1/incidents/${incident.id}/actions/approve`, { digest });
    return status === 200;
  }, 'the answer to be taken');
}

/** Calls that PagerDuty has taken. */
const pages = async (vendors: Vendors, action: 'trigger' | 'resolve') =>
  (await vendors.calls('pagerduty'))
    .filter(({ outcome }) => outcome === 202)
    .map(({ body }) => body as { event_action: string; dedup_key: string })
    .filter(({ event_action }) => event_action === action);

/** Calls for a rollback that the CD system has done, now or the first time that it got their key. */
const rollbacks = async (vendors: Vendors) =>
  (await vendors.calls('cd'))
    .filter(({ method, outcome }) => method === 'POST' && (outcome === 200 || outcome === 202))
    .map(({ headers, body }) => ({ key: headers['idempotency-key'], body }));

/** What must hold after the story, whatever happened on the way. */
export async function expectPromisesKept(story: Story, product: AttendedProduct, vendors: Vendors): Promise<void> {
  const incident = await eventually(async () => {
    const [first] = await incidentsOf(product);
    return first?.status === 'resolved' && first.effects.every(isConcluded) ? first : undefined;
  }, 'an incident that is resolved, with all its effects concluded');
  await expectOnce(incident, product);
  await expectEffects(incident, vendors);
  await expectTimeline(story, incident, product);
  await expectRecords(incident, product);
}

/** Whoever says yes is known to see to it, and the pager hears of that unless it is over before. */
export const isAcknowledgement = ({ kind }: { kind: string }): boolean =>
  kind === 'page-acknowledge' || kind === 'page-acknowledge.succeeded';

const isConcluded = ({ state }: { state: string }): boolean => state !== 'intended' && state !== 'accepted';

/** One incident, which holds what was acknowledged; and nothing lies in quarantine. */
async function expectOnce(incident: any, product: AttendedProduct): Promise<void> {
  expect(await incidentsOf(product)).toHaveLength(1);
  expect(incident).toMatchObject({ service: 'checkout', status: 'resolved', signal_count: 2 });
  const signals = (await product.get(`/v1/incidents/${incident.id}/signals`)).body.items;
  expect(signals).toMatchObject([{ title: 'The deploy of v3 failed' }, { title: 'checkout answers with errors' }]);
  expect((await product.get('/v1/quarantine')).body.items).toEqual([]);
}

/** Every effect as its class promises (docs/effects.md). */
async function expectEffects(incident: any, vendors: Vendors): Promise<void> {
  const effects = incident.effects
    .filter((effect: any) => !isAcknowledgement(effect))
    .map(({ kind, class: given, state }: any) => `${kind} ${given} ${state}`);
  expect(effects.toSorted()).toEqual([
    'page keyed succeeded',
    'page-resolve convergent succeeded',
    'roll-back keyed succeeded',
  ]);
  const pageKey = `${incident.id}.page.1`;
  expect(new Set((await pages(vendors, 'trigger')).map(({ dedup_key }) => dedup_key))).toEqual(new Set([pageKey]));
  expect(await vendors.pagerDutyIncidents()).toMatchObject([{ incident_key: pageKey, status: 'resolved' }]);
  const done = await rollbacks(vendors);
  expect(new Set(done.map(({ key }) => key))).toEqual(new Set([`${incident.id}.roll-back.1`]));
  expect(new Set(done.map(({ body }) => JSON.stringify(body))).size, 'a repeat says the same').toBe(1);
  expect(done[0]?.body).toMatchObject({ service: 'checkout', from_version: 'v2', to_version: 'v1' });
  expect(await vendors.live()).toMatchObject([{ service: 'checkout', version: 'v1' }]);
}

const TOLD_ONCE = [
  'incident.opened',
  'page.succeeded',
  'decision',
  'rollback.started',
  'mitigation.succeeded',
  'alerts.fired',
  'alerts.resolved',
  'verification.passed',
  'incident.resolved',
  'page-resolve.succeeded',
];

/** Each thing once. That the alert was still firing when the verification looked first may be told besides. */
async function expectTimeline(story: Story, incident: any, product: AttendedProduct): Promise<void> {
  const entries = (await product.get(`/v1/incidents/${incident.id}/timeline`)).body.items;
  const told = entries.map(({ kind, text }: any) => `${kind}: ${text}`);
  expect(told.toSorted(), 'nothing is told twice').toEqual([...new Set<string>(told)].toSorted());
  const kinds = entries
    .filter((entry: any) => !isAcknowledgement(entry))
    .map(({ kind }: any) => kind)
    .filter((kind: string) => kind !== 'verification.inconclusive');
  const expected = [...TOLD_ONCE, ...(story === 'approve' ? ['decision.approved'] : [])];
  expect(kinds.toSorted()).toEqual(expected.toSorted());
}

/** The changes as they were recorded, the rollback among them, and what is live by them. */
async function expectRecords(incident: any, product: AttendedProduct): Promise<void> {
  const changes = (await product.get('/v1/deployments?service=checkout&environment=production')).body.items;
  expect(changes).toMatchObject([
    { version: 'v3', kind: 'deploy', status: 'failed', rolled_back_by: null },
    { version: 'v1', kind: 'rollback', status: 'succeeded', rolled_back_by: null },
    { version: 'v2', kind: 'deploy', status: 'succeeded', rolled_back_by: incident.id },
    { version: 'v1', kind: 'deploy', status: 'succeeded', rolled_back_by: null },
  ]);
  const metrics = String((await product.get('/metrics')).body);
  const live = [...metrics.matchAll(/^firebreak_deployment_timestamp_seconds\{(.*?)\}/gm)].map(
    ([, labels = '']) => labels,
  );
  expect(live.toSorted()).toEqual([
    'service="checkout",environment="production",version="v1"',
    'service="search",environment="production",version="v9"',
  ]);
}
