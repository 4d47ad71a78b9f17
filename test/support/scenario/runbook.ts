import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { alert, group } from '../alerts.ts';
import { eventually } from '../firebreak.ts';
import type { AttendedProduct } from './product.ts';
import { isOfTheMoment, OF_SLOW_MACHINES } from './scenario.ts';
import type { AroundEffect, Vendors } from './vendors.ts';

/** The things that the runbook of the story changes: a flag, and a team's own system with idempotency keys. */
const FLAG = 'new-basket';

export const SERVICES = {
  checkout: {
    environments: {
      production: {
        deployer: { kind: 'http' },
        flags: { kind: 'launchdarkly', project: 'default' },
        reroute: {
          regions: {
            kind: 'gateway-api',
            namespace: 'shop',
            targets: { 'checkout-eu': {}, 'checkout-us': {} },
          },
        },
        autoRollback: { mode: 'act', evidence: 'time', approvalTimeoutMinutes: 24 * 60 },
      },
    },
  },
};

/**
 * A runbook that switches a flag off, drains, waits, asks a person, passes a result on, and shifts traffic. Firebreak does
 * not know the health of the destination, so it asks a second time.
 */
export const runbooksFor = (ops: string): Record<string, string> => ({
  'drain.md': `---
title: Drain it
match: { runbook: drain }
steps:
  - id: off
    uses: flag.disable
    with: { flag: ${FLAG} }
    timeout: 30m
  - id: drain
    uses: http
    with: { method: POST, url: "${ops}/drains", body: { firing: "\${{ incident.firing }}" } }
    irreversible: true
    timeout: 30m
  - id: settle
    uses: wait
    with: { for: 5m }
  - id: tell
    uses: http
    with: { method: POST, url: "${ops}/hooks", body: { drain: "\${{ steps.drain.output.body.id }}" } }
    irreversible: true
    approval: true
    timeout: 30m
  - id: away
    uses: reroute
    with: { from: checkout-eu, to: checkout-us, percent: 50, ceiling: 80 }
    timeout: 30m
---
For people.
`,
});

export type Ops = {
  url: string;
  /** Requests, oldest first. */
  calls: { path: string; key: string; body: string }[];
  close(): Promise<void>;
};

/** Starts the team's system. A repeated key gets the first response again. */
export async function startOps(around: AroundEffect): Promise<Ops> {
  const calls: Ops['calls'] = [];
  const given = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '/', headers } = request;
      const [key, body] = [String(headers['idempotency-key']), Buffer.concat(chunks).toString()];
      const effect = async () => {
        calls.push({ path, key, body });
        given.set(key, given.get(key) ?? `d-${given.size + 1}`);
        return { status: 201, headers: {}, body: Buffer.from(JSON.stringify({ id: given.get(key) })) };
      };
      around({ vendor: 'cd', method, path, body }, effect)
        .then((reply) => {
          if (reply === undefined) response.socket?.resetAndDestroy();
          else response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body);
        })
        .catch(() => response.socket?.resetAndDestroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes';

/** Decisions that a person makes: about the step with an approval, and about the destination of the traffic. */
const APPROVALS = 2;

/**
 * Plays the story: an alert names the runbook, a person approves twice, and the alert resolves after the
 * runbook.
 */
export async function playRunbook(product: AttendedProduct, vendors: Vendors, beforeTheEnd: () => Promise<void>) {
  await vendors.sandbox('/launchdarkly/flags', { flag: FLAG, environment: 'production', on: true });
  const backends = [
    { name: 'checkout-eu', port: 80, weight: 9 },
    { name: 'checkout-us', port: 80, weight: 1 },
  ];
  await vendors.cluster(ROUTES, {
    metadata: { name: 'checkout' },
    spec: { parentRefs: [{ name: 'shop' }], rules: [{ backendRefs: backends }] },
  });
  const firing = alert({ labels: { runbook: 'drain', action: '' } });
  await send(product, firing);
  await approve(product);
  await eventually(async () => (await timelineOf(product)).includes('runbook.finished'), 'the end of the runbook');
  await beforeTheEnd();
  await send(product, { ...firing, status: 'resolved', endsAt: new Date().toISOString() });
  await eventually(async () => (await incidentOf(product))?.status === 'resolved', 'the end of the incident');
}

async function send(product: AttendedProduct, one: object): Promise<void> {
  const { status } = await product.insist('POST', '/v1/alerts/alertmanager', group([one]));
  expect(status).toBe(202);
}

const incidentOf = async (product: AttendedProduct): Promise<any> => (await product.get('/v1/incidents')).body.items[0];

const timelineOf = async (product: AttendedProduct): Promise<string[]> => {
  const incident = await incidentOf(product);
  if (incident === undefined) return [];
  const { items } = (await product.get(`/v1/incidents/${incident.id}/timeline?limit=200`)).body;
  return items.filter((entry: any) => !isOfTheMoment(entry)).map(({ kind }: { kind: string }) => kind);
};

/**
 * Approves as a person. Without a response, looks at the incident, and approves again only if the question is still
 * open.
 */
async function approve(product: AttendedProduct): Promise<void> {
  await eventually(async () => {
    const incident = await incidentOf(product);
    const decisions: { question?: string; digest: string; state: string }[] = incident?.decisions ?? [];
    const asked = decisions.filter(({ question }) => question !== undefined);
    const waiting = asked.find(({ state }) => state === 'waiting');
    if (waiting !== undefined)
      await product.insist('POST', `/v1/incidents/${incident.id}/actions/approve`, { digest: waiting.digest });
    return asked.filter(({ state }) => state === 'approved').length === APPROVALS;
  }, 'the responses to be accepted');
}

/** The entries of the timeline, each once. */
const TOLD = [
  'alerts.resolved',
  'decision',
  'decision',
  'decision',
  'decision.approved',
  'decision.approved',
  'flag.started',
  'flag.succeeded',
  'http.started',
  'http.started',
  'http.succeeded',
  'http.succeeded',
  'incident.opened',
  'incident.resolved',
  'mitigation.not_taken',
  'page-resolve.succeeded',
  'page.succeeded',
  'postmortem.drafted',
  'reroute.started',
  'reroute.succeeded',
  'runbook.changes_remain',
  'runbook.finished',
  'runbook.started',
  'verification.passed',
];

const EFFECTS = [
  'flag convergent',
  'http keyed',
  'http keyed',
  'page keyed',
  'page-resolve convergent',
  'reroute convergent',
];

/** Expects what must be true after the story, in all cases. */
export async function expectRunbookKept(product: AttendedProduct, vendors: Vendors, ops: Ops): Promise<void> {
  const incident = await eventually(async () => {
    const first = await incidentOf(product);
    const done = (first?.effects ?? []).filter((effect: any) => effect.state === 'succeeded' && !isOfTheMoment(effect));
    return first?.status === 'resolved' && done.length === EFFECTS.length ? first : undefined;
  }, 'an incident that is resolved, with all its effects done');
  expect((await product.get('/v1/incidents')).body.items).toHaveLength(1);
  const effects = incident.effects.filter((effect: any) => !isOfTheMoment(effect));
  expect(effects.map(({ kind, class: given }: any) => `${kind} ${given}`).toSorted()).toEqual(EFFECTS);
  // Repeated requests have the first key and the same body. The second step has the result of the first one.
  expect([...new Set(ops.calls.map((call) => JSON.stringify(call)))].map((call) => JSON.parse(call) as object)).toEqual(
    [
      { path: '/drains', key: `${incident.id}.runbook.1.drain`, body: '{"firing":1}' },
      { path: '/hooks', key: `${incident.id}.runbook.1.tell`, body: '{"drain":"d-1"}' },
    ],
  );
  const { items: flags } = await vendors.sandbox<{ items: { flag: string; on: boolean }[] }>('/launchdarkly/flags');
  expect(flags).toMatchObject([{ flag: FLAG, on: false }]);
  // Half of the traffic was shifted once, whatever was repeated.
  const route = await vendors.cluster(`${ROUTES}/checkout`);
  expect(route.spec.rules[0].backendRefs.map(({ weight }: { weight: number }) => weight)).toEqual([4, 6]);
  expect(route.metadata.generation, 'the route was changed once').toBe(2);
  const timeline = await eventually(async () => {
    const kinds = await timelineOf(product);
    return kinds.includes('postmortem.drafted') ? kinds : undefined;
  }, 'the draft of the post-mortem');
  const told = timeline.filter((kind) => !OF_SLOW_MACHINES.includes(kind));
  expect(told.toSorted()).toEqual(TOLD);
}
