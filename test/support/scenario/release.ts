import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { minutesAgo } from '../alerts.ts';
import { eventually } from '../firebreak.ts';
import type { AttendedProduct } from './product.ts';
import { isOfTheMoment } from './scenario.ts';
import type { Vendors } from './vendors.ts';

/**
 * Stories of a new version. `canary`: one version gets 20 % of the traffic, and a person promotes it; another one fails,
 * and its traffic goes back. `watch`: a version fails after its deploy, and the engine rolls it back.
 */
export type ReleaseStory = 'canary' | 'watch';

/** The factor by which the product's waits are shortened. A check of 200 seconds takes one second. */
export const RELEASE_TIME_SCALE = 200;
const CHECK_SECONDS = 200;

/** Long after the judge has what it needs: checks that are missed, as while no process runs, do not end the watch. */
const WATCH_CHECKS = 20;

/** Failures in a row with which a version is degraded. */
const FAILURES = 3;

const WAIT_MS = 120_000;

/** Returns the services of a story. @param probe URL of the health checks; versions of `good` pass them */
export function releaseServices(story: ReleaseStory, probe: string): object {
  const judge = (service: string) => ({
    metrics: [{ kind: 'http', name: 'health', url: `${probe}/${service}`, failures: FAILURES }],
  });
  const canary = { traffic: { kind: 'http' }, steps: [20, 100], stepMinutes: 60, checkSeconds: CHECK_SECONDS };
  switch (story) {
    case 'canary':
      return {
        good: { environments: { production: { judge: judge('good'), canary } } },
        bad: { environments: { production: { judge: judge('bad'), canary } } },
      };
    case 'watch':
      return {
        watched: {
          environments: {
            production: {
              judge: judge('watched'),
              // The version never serves, but its start is not a finding: whether that alert joins the incident is chance.
              watch: { checks: WATCH_CHECKS, intervalSeconds: CHECK_SECONDS, startupMaxSeconds: 3600 },
              deployer: { kind: 'http' },
              autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
            },
          },
        },
      };
  }
}

/** Health checks of the services, which survive the product's death. */
export type Probe = { url: string; calls(service: string): number; close(): Promise<void> };

export async function startProbe(): Promise<Probe> {
  const calls = new Map<string, number>();
  const server = createServer(({ url: path = '/' }, response) => {
    const service = path.slice(1);
    calls.set(service, (calls.get(service) ?? 0) + 1);
    response.writeHead(service === 'good' ? 200 : 500).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: (service) => calls.get(service) ?? 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Plays a story to the end of its workflows. */
export async function playRelease(story: ReleaseStory, product: AttendedProduct, vendors: Vendors): Promise<void> {
  switch (story) {
    case 'canary': {
      for (const service of ['good', 'bad']) {
        await record(product, { service, version: 'v1', started_at: minutesAgo(90), finished_at: minutesAgo(88) });
        const begun = await product.insist('POST', '/v1/canaries', { ...at(service), version: 'v2' });
        expect(begun.status).toBeOneOf([202, 409]); // 409: it has begun, and the response was lost
      }
      const good = await eventually(
        async () => {
          const one = await canaryOf(product, 'good');
          return one?.weight === 20 && one.verdict === 'healthy' && one;
        },
        'a healthy canary',
        WAIT_MS,
      );
      const asked = await product.insist('POST', `/v1/canaries/${good.id}/actions/promote`, { full: true });
      expect(asked.status).toBeOneOf([202, 409]); // 409: it has ended, and the response was lost
      const hasEnded = async (service: string) => (await canaryOf(product, service))?.ended_at != null;
      await eventually(async () => (await hasEnded('good')) && hasEnded('bad'), 'the end of both canaries', WAIT_MS);
      await eventually(async () => (await pages(vendors)).length > 0, 'the page', WAIT_MS);
      return;
    }
    case 'watch': {
      await record(product, { service: 'watched', version: 'v1', started_at: minutesAgo(90) });
      await record(product, { service: 'watched', version: 'v2', started_at: minutesAgo(1) });
      await eventually(async () => (await watchOf(product))?.outcome != null, 'the end of the watch', WAIT_MS);
      await eventually(async () => (await rollbacks(vendors)).length > 0, 'the rollback at the CD system', WAIT_MS);
      // The alert of the watch ends when the rollback has brought another version live.
      await eventually(async () => (await incidentOf(product))?.status === 'resolved', 'the end', WAIT_MS);
    }
  }
}

const at = (service: string) => ({ service, environment: 'production' });

async function record(product: AttendedProduct, deployment: Record<string, string>) {
  const { status } = await product.insist('POST', '/v1/deployments', { environment: 'production', ...deployment });
  expect(status).toBeOneOf([200, 201]);
}

const canaryOf = async (product: AttendedProduct, service: string): Promise<any> =>
  (await product.get(`/v1/canaries?service=${service}`)).body.items[0];

const watchOf = async (product: AttendedProduct): Promise<any> => (await product.get('/v1/watches')).body.items[0];

const incidentOf = async (product: AttendedProduct): Promise<any> => (await product.get('/v1/incidents')).body.items[0];

const pages = async (vendors: Vendors) =>
  (await vendors.calls('pagerduty'))
    .filter(({ outcome }) => outcome === 202)
    .map(({ body }) => body as { event_action: string; dedup_key: string })
    .filter(({ event_action }) => event_action === 'trigger');

const rollbacks = async (vendors: Vendors) =>
  (await vendors.calls('cd'))
    .filter(({ method, outcome }) => method === 'POST' && (outcome === 200 || outcome === 202))
    .map(({ headers, body }) => ({ key: headers['idempotency-key'], body }));

type Finished = { product: AttendedProduct; vendors: Vendors; probe: Probe };

/** Expects what must be true after a story, in all cases. */
export async function expectReleaseKept(story: ReleaseStory, finished: Finished): Promise<void> {
  const { product, vendors } = finished;
  await eventually(async () => (await incidentOf(product))?.effects.every(isConcluded), 'all effects are concluded');
  switch (story) {
    case 'canary':
      await expectCanary(finished, 'good', {
        status: 'promoted',
        orders: ['1 set 20', '2 promote 100'],
        events: ['started', 'weight', 'requested', 'ended'],
        traffic: { stable_version: 'v2', version: null },
      });
      await expectCanary(finished, 'bad', {
        status: 'aborted',
        orders: ['1 set 20', '2 abort 0'],
        events: ['started', 'weight', 'degraded', 'weight', 'ended'],
        traffic: { stable_version: 'v1', version: null },
      });
      expect((await product.get('/v1/canaries')).body.items).toHaveLength(2);
      await expectDeployments(product, 'good', ['v2 deploy succeeded', 'v1 deploy succeeded']);
      await expectDeployments(product, 'bad', ['v2 deploy failed', 'v1 deploy succeeded']);
      await expectIncident(finished, { effects: ['page keyed succeeded'], service: 'bad' });
      break;
    case 'watch':
      await expectWatch(finished);
      await expectDeployments(product, 'watched', [
        'v1 rollback succeeded',
        'v2 deploy succeeded',
        'v1 deploy succeeded',
      ]);
      await expectIncident(finished, { effects: ['roll-back keyed succeeded'], service: 'watched' });
      expect(await vendors.live()).toMatchObject([{ service: 'watched', version: 'v1' }]);
      expect(new Set((await rollbacks(vendors)).map((each) => JSON.stringify(each))).size).toBe(1);
  }
}

const isConcluded = ({ state }: { state: string }): boolean => state !== 'intended' && state !== 'accepted';

type ExpectedCanary = { status: string; orders: string[]; events: string[]; traffic: object };

async function expectCanary({ product, vendors, probe }: Finished, service: string, expected: ExpectedCanary) {
  const { id } = await canaryOf(product, service);
  const { body: story } = await product.get(`/v1/canaries/${id}`);
  expect(story).toMatchObject({ status: expected.status });
  // Each event once, in order: the same as without a death.
  const kinds: string[] = story.events.map(({ kind }: { kind: string }) => kind).toReversed();
  expect(product.deaths === 0 ? kinds : requestedOnce(kinds)).toEqual(expected.events);
  const puts = (await vendors.calls('cd'))
    .filter(({ method, outcome, body }) => method === 'PUT' && outcome === 200 && (body as any).service === service)
    .map(({ body }) => body as { sequence: number; action: string; weight: number; idempotency_key: string });
  // A repeated order has the same key, so the router applies it once.
  const orders = new Map(puts.map((body) => [body.idempotency_key, body]));
  expect(new Set(puts.map((body) => JSON.stringify(body))).size).toBe(orders.size);
  expect([...orders.values()].map(({ sequence, action, weight }) => `${sequence} ${action} ${weight}`)).toEqual(
    expected.orders,
  );
  expect(puts.length - orders.size).toBeLessThanOrEqual(product.deaths);
  const { items } = await vendors.sandbox<{ items: { service: string }[] }>('/cd/traffic');
  expect(items.filter((each) => each.service === service)).toMatchObject([expected.traffic]);
  // A death between a check and its record repeats the measurement, but stores no check twice.
  const times = story.checks.map((check: { at: string }) => check.at);
  expect(new Set(times).size).toBe(times.length);
  expectMeasured(probe.calls(service), times.length, product.deaths);
}

/** Merges requests in a row: a request is sent again if its response was lost in a death, and each one is recorded. */
const requestedOnce = (kinds: readonly string[]): string[] =>
  kinds.filter((kind, n) => kind !== 'requested' || kinds[n - 1] !== 'requested');

async function expectWatch({ product, probe }: Finished): Promise<void> {
  expect((await product.get('/v1/watches')).body.items).toHaveLength(1);
  const { checks, outcome } = await watchOf(product);
  expect(outcome).toBe('degraded');
  expect(checks.map(({ number }: { number: number }) => number)).toEqual(checks.map((_: unknown, n: number) => n + 1));
  for (const { at: done, verdict } of checks) expect(done === null).toBe(verdict === 'missed');
  const done = checks.filter(({ verdict }: { verdict: string }) => verdict !== 'missed');
  expect(done.map(({ verdict }: { verdict: string }) => verdict)).toEqual(['inconclusive', 'inconclusive', 'degraded']);
  expectMeasured(probe.calls('watched'), done.length, product.deaths);
  const { id } = await incidentOf(product);
  const { items: signals } = (await product.get(`/v1/incidents/${id}/signals`)).body;
  expect(signals).toMatchObject([{ source: 'watch', status: 'resolved' }]);
  expect((await product.get('/v1/signals')).body.items).toEqual([]);
}

function expectMeasured(calls: number, checks: number, deaths: number): void {
  expect(calls).toBeGreaterThanOrEqual(checks);
  expect(calls - checks).toBeLessThanOrEqual(deaths);
}

async function expectDeployments(product: AttendedProduct, service: string, expected: string[]): Promise<void> {
  const { items } = (await product.get(`/v1/deployments?service=${service}&environment=production`)).body;
  expect(items.map(({ version, kind, status }: any) => `${version} ${kind} ${status}`)).toEqual(expected);
}

async function expectIncident(
  { product, vendors }: Finished,
  { service, effects }: { service: string; effects: string[] },
) {
  const { items } = (await product.get('/v1/incidents')).body;
  expect(items).toMatchObject([{ service }]);
  const [incident] = items;
  const done = incident.effects
    .filter((effect: any) => !isOfTheMoment(effect))
    .map(({ kind, class: given, state }: any) => `${kind} ${given} ${state}`);
  expect(done.toSorted()).toEqual(effects);
  const keys = (await pages(vendors)).map(({ dedup_key }) => dedup_key);
  expect([...new Set(keys)]).toEqual(
    effects.some((effect) => effect.startsWith('page ')) ? [`${incident.id}.page.1`] : [],
  );
  expect((await product.get('/v1/quarantine')).body.items).toEqual([]);
}
