/**
 * Simulates a bad deploy at a running Firebreak: records two deployments as a CD system does, then sends an alert that
 * requests a rollback, as Alertmanager does. Prints the incident's timeline.
 *
 *   node examples/bad-deploy.mjs [http://127.0.0.1:8080]
 *
 * The default address is FIREBREAK_URL, else this machine at PORT, else port 8080.
 *
 * Uses the admin token in FIREBREAK_ADMIN_TOKEN, else the one in the data folder of `npm start` (FIREBREAK_DATA_DIR, else
 * `.firebreak`).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const base = process.argv[2] ?? process.env.FIREBREAK_URL ?? `http://127.0.0.1:${process.env.PORT || 8080}`;
const file = join(process.env.FIREBREAK_DATA_DIR || '.firebreak', 'tokens.json');
const token = process.env.FIREBREAK_ADMIN_TOKEN || JSON.parse(await readFile(file, 'utf8')).FIREBREAK_ADMIN_TOKEN;

/** Maximum time to follow the incident. */
const WAIT_MINUTES = 20;

/** @param {string} path @param {object} [body] */
async function call(path, body) {
  const response = await fetch(base + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${answer.detail}`);
  return answer;
}

/** @param {number} minutes */
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

const run = Date.now().toString(36);
const target = { service: 'checkout', environment: 'production' };
await call('/v1/deployments', { ...target, version: `v41-${run}`, started_at: ago(180), finished_at: ago(175) });
await call('/v1/deployments', { ...target, version: `v42-${run}`, started_at: ago(6), finished_at: ago(4) });

/** @param {'firing' | 'resolved'} status */
const alert = (status) => ({
  version: '4',
  status,
  receiver: 'firebreak',
  groupKey: '{}:{}',
  alerts: [
    {
      status,
      labels: { alertname: 'HighErrorRatio', severity: 'critical', action: 'auto-rollback', ...target },
      annotations: { summary: 'checkout answers 12 % of its requests with an error' },
      startsAt: began,
      endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : new Date().toISOString(),
      fingerprint: 'e13f9abf0ab3b700',
    },
  ],
});
const began = ago(1);
const { receipt } = await call('/v1/alerts/alertmanager', alert('firing'));
console.log(`alert accepted, receipt ${receipt}`);
console.log(
  `Following the incident until it is resolved, at most ${WAIT_MINUTES} minutes. The rollback takes seconds, its verification ` +
    'about 15 minutes (15 seconds if Firebreak was started with FIREBREAK_TIME_SCALE=60).\n',
);

const started = Date.now();
const printed = new Set();
let recovered = false;
while (Date.now() - started < WAIT_MINUTES * 60_000) {
  const [incident] = (await call('/v1/incidents?service=checkout&limit=1')).items;
  const entries = incident ? (await call(`/v1/incidents/${incident.id}/timeline?limit=500`)).items.toReversed() : [];
  for (const entry of entries) {
    const key = `${entry.at} ${entry.kind}`;
    if (!printed.has(key)) console.log(`${entry.at.slice(11, 23)}  ${entry.kind.padEnd(22)}  ${entry.text}`);
    printed.add(key);
  }
  if (incident?.status === 'mitigated' && !recovered) {
    recovered = true; // the service has recovered, so Alertmanager sends a resolved notification
    await call('/v1/alerts/alertmanager', alert('resolved'));
  }
  if (incident?.status === 'resolved') break;
  await sleep(100);
}
