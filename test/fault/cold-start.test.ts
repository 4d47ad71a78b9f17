import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { functionDeps } from '../../functions/assembly/aws.ts';
import { readEnvironment } from '../../functions/assembly/environment.ts';
import { FUNCTION_GRANTS, parametersFor } from '../../functions/assembly/secret-groups.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { PageRequest } from '../../core/domain/ports/paging.ts';
import { byQueue } from '../../schemas/config/queues.ts';
import { resourcesText } from '../support/aws/resources.ts';
import { timestamp } from '../../schemas/time/time.ts';
import { recorded } from '../vendors/vendor-responses.ts';
import { vendor, vendorThat } from '../vendors/server.ts';
import { startQueuesAndBlobs } from '../support/aws/queues-and-blobs.ts';
import { AWS_ENV, type Endpoint } from '../support/aws/server.ts';
import { startSsm } from '../support/aws/ssm.ts';
import { faultProxy } from '../support/fault-proxy.ts';
import { eventually } from '../support/firebreak.ts';

const BUCKET = 'firebreak-test';
const ROUTING_KEY = 'r'.repeat(32);

const PAGE: PageRequest = {
  key: 'page-1',
  action: 'trigger',
  summary: 'checkout production: errors',
  service: 'checkout',
  environment: 'production',
  severity: 'critical',
  incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
  at: timestamp(Date.parse('2026-11-20T12:00:00.000Z')),
  links: [],
};

/** Closes an endpoint after the test, even if the test fails. */
async function opened<E extends Pick<Endpoint, 'close'>>(endpoint: Promise<E>): Promise<E> {
  const one = await endpoint;
  onTestFinished(() => one.close());
  return one;
}

/** Creates the dependencies of a function that has just started, with only its granted secrets. */
function containerOf(name: keyof typeof FUNCTION_GRANTS): Product {
  return functionDeps(
    readEnvironment({
      FIREBREAK_RESOURCES: resourcesText({
        bucket: BUCKET,
        snapshotBucket: BUCKET,
        queues: byQueue(() => 'http://127.0.0.1:1/000000000000/none'),
        grants: [...FUNCTION_GRANTS[name]],
        key: Buffer.alloc(32, FUNCTION_GRANTS[name].length).toString('base64'),
      }),
      LOG_LEVEL: 'silent',
    }),
  );
}

afterEach(() => vi.unstubAllEnvs());

test('a function that starts while SSM throttles pages and reads silences like the one before it', async () => {
  const pagerDuty = await vendorThat(() => ({ status: 202, body: '{"status":"success","dedup_key":"page-1"}' }));
  const alertmanager = await vendor(recorded('alertmanager/silences'));
  const set = {
    PAGERDUTY_ROUTING_KEY: ROUTING_KEY,
    PAGERDUTY_EVENTS_URL: pagerDuty.url,
    ALERTMANAGER_URL: alertmanager.url,
  };
  const parameters = Object.fromEntries(
    Object.entries(parametersFor(set)).map(([name, value]) => [`/firebreak/test/${name}`, value]),
  );
  const ssm = await opened(startSsm(() => parameters));
  const s3 = await opened(startQueuesAndBlobs(BUCKET));
  const [throttled, slow] = await Promise.all([
    opened(faultProxy({ upstream: ssm.url, service: 'ssm', seed: 1, rates: { throttled: 1 } })),
    opened(
      faultProxy({
        upstream: s3.url,
        service: 's3',
        seed: 2,
        rates: { 'slow-down': 0.2, 'lost-answer': 0.2 },
        lateMs: 1,
      }),
    ),
  ]);
  for (const [name, value] of Object.entries({
    ...AWS_ENV,
    AWS_ENDPOINT_URL_SSM: ssm.url,
    AWS_ENDPOINT_URL_S3: slow.url,
    AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1',
  }))
    vi.stubEnv(name, value);

  // Without any earlier value, nothing is lost and nothing is invented.
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', throttled.url);
  expect(await containerOf('incident-response').pager.send(PAGE)).toMatchObject({ kind: 'later' });
  expect(await containerOf('route').silences.active()).toBeNull();
  expect(pagerDuty.received).toEqual([]);

  vi.stubEnv('AWS_ENDPOINT_URL_SSM', ssm.url);
  expect(await containerOf('incident-response').pager.send(PAGE)).toMatchObject({ kind: 'taken' });
  await containerOf('route').silences.active();

  vi.stubEnv('AWS_ENDPOINT_URL_SSM', throttled.url);
  await eventually(async () => {
    expect(await containerOf('incident-response').pager.send(PAGE)).toMatchObject({ kind: 'taken' });
    expect(await containerOf('route').silences.active()).not.toBeNull();
    return true;
  }, 'the copies of both functions');
  expect(throttled.log.length).toBeGreaterThan(0);
  const keys = pagerDuty.received.map(({ body }) => (JSON.parse(body) as { routing_key: string }).routing_key);
  expect(new Set(keys)).toEqual(new Set([ROUTING_KEY]));
});
