import { expect } from 'vitest';
import { canonicalJson, sha256 as hashOf } from '../../../core/stores/hash.ts';
import { alert, group, minutesAgo, twoDeployments } from '../alerts.ts';
import { eventually, metricsOf } from '../firebreak.ts';
import type { Product } from './product.ts';
import type { Vendors } from './vendors.ts';

/** Whether the rollback is automatic or waits for an approval. */
export type Story = 'act' | 'approve';

/**
 * Returns the catalogue for a story. A question stays open for a day, so only its answer ends it.
 *
 * @param more additional settings of checkout
 */
export const catalogueOf = (story: Story, more: object = {}): object => ({
  checkout: {
    ...more,
    environments: {
      production: {
        deployer: { kind: 'http' },
        autoRollback: { mode: story, evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 24 * 60 },
      },
    },
  },
  search: {},
});

export type Staging = {
  /** The sender's clock. Milliseconds since the Unix epoch. */
  now?: () => number;
  /** Called before the alert resolves. */
  beforeTheEnd?: () => Promise<void>;
};

/**
 * Plays a bad deploy, from its record to the resolved incident: v1 is good, v2 is suspected, a critical alert asks for
 * a rollback, a person is paged, v2 is rolled back, a deploy of v3 fails meanwhile, the alert resolves. Senders retry
 * until their requests are accepted.
 */
export async function play(
  story: Story,
  product: Product,
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

/** A change of a service without incidents, so that nothing later hides the result of its record. */
const untouched = () => ({ service: 'search', environment: 'production', version: 'v9', started_at: minutesAgo(90) });

/** A failed deploy, which counts as a signal of the open incident. */
const failed = (now: number) => ({
  service: 'checkout',
  environment: 'production',
  version: 'v3',
  status: 'failed',
  started_at: new Date(now).toISOString(),
});

async function record(product: Product, deployment: object): Promise<void> {
  expect((await product.insist('POST', '/v1/deployments', deployment)).status).toBeOneOf([200, 201]);
}

async function send(product: Product, one: object): Promise<void> {
  const { status, body } = await product.insist('POST', '/v1/alerts/alertmanager', group([one]));
  expect({ status, body }).toMatchObject({ status: 202, body: { accepted: 1, quarantined: 0 } });
}

const incidentsOf = async (product: Product): Promise<any[]> => (await product.get('/v1/incidents')).body.items;

/**
 * Approves as a person. Without a response, looks at the incident, and approves again only if the question is still
 * open.
 */
async function approve(product: Product): Promise<void> {
  await eventually(async () => product.output.includes('"step":"request-approval"'), 'the question');
  await eventually(async () => {
    const [incident] = await incidentsOf(product);
    const [{ digest, state }] = incident.decisions;
    if (state !== 'waiting') return state === 'approved';
    const { status } = await product.insist('POST', `/v1/incidents/${incident.id}/actions/approve`, { digest });
    return status === 200;
  }, 'the response to be accepted');
}

/** Returns the calls that PagerDuty has accepted. */
const pages = async (vendors: Vendors, action: 'trigger' | 'resolve') =>
  (await vendors.calls('pagerduty'))
    .filter(({ outcome }) => outcome === 202)
    .map(({ body }) => body as { event_action: string; dedup_key: string })
    .filter(({ event_action }) => event_action === action);

/** Returns the rollback calls that the CD system has executed, now or for an earlier call with the same key. */
const rollbacks = async (vendors: Vendors) =>
  (await vendors.calls('cd'))
    .filter(({ method, outcome }) => method === 'POST' && (outcome === 200 || outcome === 202))
    .map(({ headers, body }) => ({ key: headers['idempotency-key'], body }));

/** Expects what must be true after the story, in all cases. */
export async function expectPromisesKept(story: Story, product: Product, vendors: Vendors): Promise<void> {
  const incident = await eventually(async () => {
    const [first] = await incidentsOf(product);
    return first?.status === 'resolved' && first.effects.every(isConcluded) ? first : undefined;
  }, 'an incident that is resolved, with all its effects concluded');
  await expectOnce(incident, product);
  await expectEffects(story, incident, vendors);
  await expectTimeline(story, incident, product);
  await expectRecords(incident, product);
}

/** Expects one evidence pack of the rollback, as it was stored first, with its hash in the audit log once. */
export async function expectEvidence(product: Product): Promise<void> {
  const [incident] = await incidentsOf(product);
  const path = `/v1/incidents/${incident.id}/evidence`;
  const entries = await eventually(async () => {
    const { items } = (await product.get('/v1/audit?limit=500')).body;
    const found = items.filter(({ kind }: any) => kind === 'evidence.stored');
    return found.length > 0 ? found : undefined;
  }, 'the hash of the evidence in the audit log');
  const { items: packs } = (await product.get(path)).body;
  expect(packs).toMatchObject([{ name: 'roll-back.1', action: 'roll-back' }]);
  const [{ name, sha256 }] = packs;
  expect(entries).toMatchObject([{ id: `evidence:${incident.id}:${name}`, detail: { sha256 } }]);
  // The document is stored in canonical form, so parsing it loses nothing.
  const { body: document } = await product.get(`${path}/${name}`);
  expect(hashOf(canonicalJson(document))).toBe(sha256);
}

type EffectOrEntry = { kind: string; key?: string; detail?: unknown };

/**
 * Whether an effect or a timeline entry depends on how long the process was dead. An approval also acknowledges the
 * incident, and the pager gets it, and an update of the page, unless the incident is over before. A question is a further
 * page if nobody looks at the incident when it is asked.
 */
export const isOfTheMoment = (one: EffectOrEntry): boolean =>
  /^page-(acknowledge(\.succeeded)?|update(\.(succeeded|failed))?)$/.test(one.kind) || isFurtherPage(one);

const isFurtherPage = ({ key, detail }: EffectOrEntry): boolean =>
  /\.page\.[2-9](\.resolve)?$/.test(key ?? (detail as { key?: string } | null)?.key ?? '');

const isConcluded = ({ state }: { state: string }): boolean => state !== 'intended' && state !== 'accepted';

/** Expects one incident with all accepted signals, and an empty quarantine. */
async function expectOnce(incident: any, product: Product): Promise<void> {
  expect(await incidentsOf(product)).toHaveLength(1);
  expect(incident).toMatchObject({ service: 'checkout', status: 'resolved', signal_count: 2 });
  const signals = (await product.get(`/v1/incidents/${incident.id}/signals`)).body.items;
  expect(signals).toMatchObject([{ title: 'The deploy of v3 failed' }, { title: 'checkout answers with errors' }]);
  expect((await product.get('/v1/quarantine')).body.items).toEqual([]);
}

/** Expects every effect as promised by its class (docs/explanation/effects.md). */
async function expectEffects(story: Story, incident: any, vendors: Vendors): Promise<void> {
  const effects = incident.effects
    .filter((effect: any) => !isOfTheMoment(effect))
    .map(({ kind, class: given, state }: any) => `${kind} ${given} ${state}`);
  expect(effects.toSorted()).toEqual([
    'page keyed succeeded',
    'page-resolve convergent succeeded',
    'roll-back keyed succeeded',
  ]);
  const triggered = new Set((await pages(vendors, 'trigger')).map(({ dedup_key }) => dedup_key));
  if (story !== 'approve') expect(triggered).toEqual(new Set([`${incident.id}.page.1`]));
  // Neither a repeat nor an update of a page opens a second incident under its key.
  expect(await vendors.pagerDutyIncidents()).toMatchObject(
    [...triggered].map((key) => ({ incident_key: key, status: 'resolved' })),
  );
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
  'postmortem.drafted',
];

/** Seconds after the opening within which a change can begin, and after which its record is late, for its clock to be in doubt. */
const CLOCKS_AGREE_SECONDS = 90;

/**
 * Returns whether the report of the failed deploy arrived so late that its clock can be wrong: it began shortly after
 * the incident was opened, and the product was dead when it was sent. The deploy can then be the cause, which the
 * product notes unless the incident is over before.
 */
async function wasReportedLate({ opened_at: openedAt }: any, product: Product): Promise<boolean> {
  const { items } = (await product.get('/v1/deployments?service=checkout&environment=production')).body;
  const { started_at: startedAt, recorded_at: recordedAt } = items.find(({ status }: any) => status === 'failed');
  const seconds = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
  return seconds(openedAt, startedAt) <= CLOCKS_AGREE_SECONDS && seconds(startedAt, recordedAt) > CLOCKS_AGREE_SECONDS;
}

/**
 * Kinds of entries that a slow machine adds: the alert was still firing at the first verification, or was not repeated for a
 * day of the product's time.
 */
export const OF_SLOW_MACHINES = ['verification.inconclusive', 'alerts.last_seen'];

/** Expects each entry once. An additional entry is allowed if the machine is slow, and if the failed deploy was reported late. */
async function expectTimeline(story: Story, incident: any, product: Product): Promise<void> {
  const entries = await eventually(async () => {
    const { items } = (await product.get(`/v1/incidents/${incident.id}/timeline`)).body;
    return items.some(({ kind }: any) => kind === 'postmortem.drafted') ? items : undefined;
  }, 'the draft of the post-mortem');
  const told = entries.filter((entry: any) => !isOfTheMoment(entry)).map(({ kind, text }: any) => `${kind}: ${text}`);
  expect(told.toSorted(), 'no timeline entry is repeated').toEqual([...new Set<string>(told)].toSorted());
  const additional = [
    ...OF_SLOW_MACHINES,
    ...((await wasReportedLate(incident, product)) ? ['change.recorded_late'] : []),
  ];
  const kinds = entries
    .filter((entry: any) => !isOfTheMoment(entry))
    .map(({ kind }: any) => kind)
    .filter((kind: string) => !additional.includes(kind));
  const expected = [...TOLD_ONCE, ...(story === 'approve' ? ['decision.approved'] : [])];
  expect(kinds.toSorted()).toEqual(expected.toSorted());
}

/** Expects the changes as recorded, including the rollback, and the resulting live version. */
async function expectRecords(incident: any, product: Product): Promise<void> {
  const changes = (await product.get('/v1/deployments?service=checkout&environment=production')).body.items;
  expect(changes).toMatchObject([
    { version: 'v3', kind: 'deploy', status: 'failed', rolled_back_by: null },
    { version: 'v1', kind: 'rollback', status: 'succeeded', rolled_back_by: null },
    { version: 'v2', kind: 'deploy', status: 'succeeded', rolled_back_by: incident.id },
    { version: 'v1', kind: 'deploy', status: 'succeeded', rolled_back_by: null },
  ]);
  const metrics = await metricsOf(product);
  const live = [...metrics.matchAll(/^firebreak_deployment_timestamp_seconds\{(.*?)\}/gm)].map(
    ([, labels = '']) => labels,
  );
  expect(live.toSorted()).toEqual([
    'service="checkout",environment="production",version="v1"',
    'service="search",environment="production",version="v9"',
  ]);
}
