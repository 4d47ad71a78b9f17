import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SEVERAL } from '../../domain/incidents/incident-group.ts';
import { Firebreak } from '../support/firebreak.ts';
import { deliver, fixture, inbound, type Inbound } from '../support/fixtures.ts';

/** The expected response to each file, according to its source. Sequences have a response for each request. */
const ANSWERS: Record<string, Answer | Answer[]> = {
  'alertmanager/auth-basic': taken(1),
  'alertmanager/auth-bearer': taken(1),
  'alertmanager/firing-critical-auto-rollback': taken(1),
  'alertmanager/from-prometheus-rule': taken(1),
  'alertmanager/from-prometheus-rule-resolved': taken(1),
  'alertmanager/group-mixed-firing-resolved': taken(3),
  'alertmanager/group-multiple-services': taken(3),
  'alertmanager/group-three-firing': taken(3),
  'alertmanager/lifecycle-firing-then-resolved': [taken(1), taken(1)],
  'alertmanager/minimal-watchdog-no-grouping': taken(1),
  'alertmanager/repeat-interval': [taken(1), taken(1), taken(1)],
  'alertmanager/resolved': taken(1),
  'alertmanager/storm-50-one-group': taken(50),
  'alertmanager/storm-50-ungrouped': Array.from({ length: 50 }, () => taken(1)),
  'alertmanager/truncated-max-alerts': taken(3, 5),
  'alertmanager/unicode': taken(1),
  'grafana/datasource-error': taken(1),
  'grafana/firing-basic-auth': taken(1),
  'grafana/firing-bearer': taken(1),
  'grafana/firing-hmac-body-only': taken(1),
  'grafana/firing-hmac-with-timestamp': { status: 401 }, // signed hours or years ago
  'grafana/firing-hmac-wrong-secret': { status: 401 },
  'grafana/mixed-two-services': taken(2),
  'grafana/nodata': taken(1),
  'grafana/old-v9-values-null': taken(1),
  'grafana/put-method': taken(1),
  'grafana/resolved': taken(1),
  'grafana/test-notification': taken(1),
  'grafana/truncated-max-alerts': taken(2, 6),
};

type Answer = { status: number; body?: { receipt: unknown; accepted: number; quarantined: number; truncated: number } };

function taken(accepted: number, truncated = 0): Answer {
  return { status: 202, body: { receipt: expect.any(String), accepted, quarantined: 0, truncated } };
}

/** One product, restarted with each credential that a file needs, or without any for the files that need none. */
const CONFIGURED: { name: string; env: Record<string, string>; files: string[] }[] = [
  {
    name: "Alertmanager's bearer token, and a Grafana that signs the body alone",
    env: {
      FIREBREAK_INGEST_TOKEN: secretOf('alertmanager/auth-bearer').bearerToken ?? '',
      GRAFANA_WEBHOOK_SECRET: secretOf('grafana/firing-hmac-body-only').hmacSecret ?? '',
      GRAFANA_TIMESTAMP_HEADER: '',
    },
    files: ['alertmanager/auth-bearer', 'grafana/firing-hmac-body-only', 'grafana/firing-hmac-wrong-secret'],
  },
  {
    name: "Grafana's bearer token",
    env: { FIREBREAK_INGEST_TOKEN: secretOf('grafana/firing-bearer').bearerToken ?? '' },
    files: ['grafana/firing-bearer'],
  },
  {
    name: "Grafana's password",
    env: { FIREBREAK_INGEST_TOKEN: secretOf('grafana/firing-basic-auth').password ?? '' },
    files: ['grafana/firing-basic-auth'],
  },
];

const SIGNS_TIME = {
  env: {
    FIREBREAK_INGEST_TOKEN: secretOf('alertmanager/auth-basic').password ?? '',
    GRAFANA_WEBHOOK_SECRET: secretOf('grafana/firing-hmac-with-timestamp').hmacSecret ?? '',
    GRAFANA_TIMESTAMP_HEADER: secretOf('grafana/firing-hmac-with-timestamp').timestampHeader ?? '',
  },
  files: ['alertmanager/auth-basic', 'grafana/firing-hmac-with-timestamp'],
};

const FILES = (['alertmanager', 'grafana'] as const).flatMap((vendor) =>
  inbound(vendor).map(({ name, requests }) => ({ path: `${vendor}/${name}`, vendor, requests })),
);

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.prepare({
    unshown: true,
    services: {},
    env: { LOG_LEVEL: 'error' },
    timeScale: 1,
  });
});
afterAll(() => firebreak.remove());

test('every fixture of a sender has an expected response', () => {
  expect(FILES.map(({ path }) => path).toSorted()).toEqual(Object.keys(ANSWERS).toSorted());
});

describe.each(CONFIGURED)('configured with $name', ({ env, files }) => {
  beforeAll(() => firebreak.start(env));
  afterAll(() => firebreak.stop());

  test.each(files)('%s gets the expected response', (path) => answersOf(path));
  test('the credential of another sender is refused', () => refusesOthers(files));
});

describe("configured with Alertmanager's password and a Grafana that signs the timestamp", () => {
  const { env, files } = SIGNS_TIME;
  beforeAll(() => firebreak.start(env));
  afterAll(() => firebreak.stop());

  test.each(files)('%s gets the expected response', (path) => answersOf(path));
  test('the credential of another sender is refused', () => refusesOthers(files));

  const [, request] = first('grafana/firing-hmac-with-timestamp');
  const { hmacSecret = '', timestampHeader: header = '' } = request.secret ?? {};
  const signed = (at: number, over: Partial<{ body: string; secret: string; text: string }> = {}) => {
    const { body = request.body, secret = hmacSecret, text = String(at) } = over;
    const signature = createHmac('sha256', secret).update(`${text}:${body}`).digest('hex');
    return { ...request, headers: { ...request.headers, [header]: text, 'X-Grafana-Alerting-Signature': signature } };
  };
  const seconds = () => Math.floor(Date.now() / 1000);

  test.each([
    ['now', () => signed(seconds()), 202],
    ['four minutes ago', () => signed(seconds() - 240), 202],
    ['six minutes ago', () => signed(seconds() - 360), 401],
    ['in six minutes', () => signed(seconds() + 360), 401],
    ['with another secret', () => signed(seconds(), { secret: 'another' }), 401],
    ['over another body', () => signed(seconds(), { body: `${request.body} ` }), 401],
    ['without a valid timestamp', () => signed(seconds(), { text: 'now' }), 401],
  ])('signed %s: %s', async (_, make, status) => {
    expect((await deliver(firebreak, '/v1/alerts/grafana', make())).status).toBe(status);
  });

  test('a signature without its timestamp is refused', async () => {
    const { [header]: _, ...headers } = signed(seconds()).headers;
    expect((await deliver(firebreak, '/v1/alerts/grafana', { ...request, headers })).status).toBe(401);
  });
});

describe('configured with a token only', () => {
  beforeAll(() => firebreak.start());

  const withoutSecret = FILES.filter(({ requests }) => requests[0]?.secret === undefined).map(({ path }) => path);
  test.each(withoutSecret)('%s gets the expected response', (path) => answersOf(path));

  test('a signature is refused if no secret is configured', async () => {
    for (const path of ['grafana/firing-hmac-body-only', 'grafana/firing-hmac-with-timestamp']) {
      const [, request] = first(path);
      expect((await deliver(firebreak, '/v1/alerts/grafana', request)).status).toBe(401);
    }
  });

  test('without a catalogue, all alerts are unmatched and nothing is rolled back', async () => {
    const { body } = await firebreak.get('/v1/incidents?limit=500');
    const own = body.items.filter(({ service }: { service: string }) => service !== SEVERAL);
    expect(new Set(own.map(({ service }: { service: string }) => service))).toEqual(new Set(['unmatched']));
    expect(await firebreak.calls('cd')).toEqual([]);
  });
});

async function answersOf(path: string): Promise<void> {
  const [vendor = ''] = path.split('/');
  const answers = await Promise.all(
    fixture(path as `alertmanager/${string}`).map((request) => deliver(firebreak, `/v1/alerts/${vendor}`, request)),
  );
  const expected = [ANSWERS[path]].flat();
  expect(answers).toEqual(expected.map((answer) => expect.objectContaining(answer ?? {})));
}

async function refusesOthers(own: readonly string[]): Promise<void> {
  for (const path of [...CONFIGURED, SIGNS_TIME].flatMap(({ files }) => files)) {
    if (own.includes(path)) continue;
    const [vendor, request] = first(path);
    expect([path, (await deliver(firebreak, `/v1/alerts/${vendor}`, request)).status]).toEqual([path, 401]);
  }
}

function first(path: string): [vendor: string, request: Inbound] {
  const [vendor = ''] = path.split('/');
  const [request] = fixture(path as `alertmanager/${string}`);
  if (request === undefined) throw new Error(`${path} holds no request`);
  return [vendor, request];
}

function secretOf(path: string): NonNullable<Inbound['secret']> {
  return first(path)[1].secret ?? {};
}
