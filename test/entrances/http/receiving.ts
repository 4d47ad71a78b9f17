import { expect } from 'vitest';
import type { Firebreak } from '../../support/firebreak.ts';
import { deliver, fixture, inbound, type Inbound } from '../../support/fixtures.ts';

/** The expected response to each file, according to its source. Sequences have a response for each request. */
export const ANSWERS: Record<string, Answer | Answer[]> = {
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

/** The credentials that files need, each with its own start of the product. */
export const CONFIGURED: { name: string; env: Record<string, string>; files: string[] }[] = [
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

/** The credentials of files that sign their time. */
export const SIGNS_TIME = {
  env: {
    FIREBREAK_INGEST_TOKEN: secretOf('alertmanager/auth-basic').password ?? '',
    GRAFANA_WEBHOOK_SECRET: secretOf('grafana/firing-hmac-with-timestamp').hmacSecret ?? '',
    GRAFANA_TIMESTAMP_HEADER: secretOf('grafana/firing-hmac-with-timestamp').timestampHeader ?? '',
  },
  files: ['alertmanager/auth-basic', 'grafana/firing-hmac-with-timestamp'],
};

/** All files with recorded requests. */
export const FILES = (['alertmanager', 'grafana'] as const).flatMap((vendor) =>
  inbound(vendor).map(({ name, requests }) => ({ path: `${vendor}/${name}`, vendor, requests })),
);

/** Sends the requests of a file, and compares the responses. */
export async function answersOf(firebreak: Firebreak, path: string): Promise<void> {
  const [vendor = ''] = path.split('/');
  const answers = await Promise.all(
    fixture(path as `alertmanager/${string}`).map((request) => deliver(firebreak, `/v1/alerts/${vendor}`, request)),
  );
  const expected = [ANSWERS[path]].flat();
  expect(answers).toEqual(expected.map((answer) => expect.objectContaining(answer ?? {})));
}

/** Checks that the credentials of all files but these are refused. */
export async function refusesOthers(firebreak: Firebreak, own: readonly string[]): Promise<void> {
  for (const path of [...CONFIGURED, SIGNS_TIME].flatMap(({ files }) => files)) {
    if (own.includes(path)) continue;
    const [vendor, request] = first(path);
    expect([path, (await deliver(firebreak, `/v1/alerts/${vendor}`, request)).status]).toEqual([path, 401]);
  }
}

/** Returns the sender of a file, and its first request. */
export function first(path: string): [vendor: string, request: Inbound] {
  const [vendor = ''] = path.split('/');
  const [request] = fixture(path as `alertmanager/${string}`);
  if (request === undefined) throw new Error(`${path} holds no request`);
  return [vendor, request];
}

function secretOf(path: string): NonNullable<Inbound['secret']> {
  return first(path)[1].secret ?? {};
}
