import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { alert, group, minutesAgo, twoDeployments } from '../../support/alerts.ts';
import { eventually, Firebreak } from '../../support/firebreak.ts';
import { startVendors, type Vendors } from '../../support/scenario/vendors.ts';

/** A file in which functions ran, and how many. */
type Ran = { file: string; functions: number };

const SECRET = 'a-signing-secret';

/** Firebreak acts without waiting. */
const CHECKOUT = {
  deployer: { kind: 'http' },
  autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act', settleSeconds: 0 },
};

/**
 * The most files of the product in which a function may run for each request, which is what somebody who follows it has
 * to read. The goal for an alert is 150, and for a freeze check 45: lower these with the figures.
 */
const FILES_MAX = { alert: 295, freezeCheck: 75, rollback: 90, page: 140, deployment: 95 };

/** Recordings of a request, of which the shortest counts: what runs beside a request only adds files. */
const RECORDINGS = 5;

/** Jobs that run each minute, and belong to no request. */
const JOBS = ['core/jobs/sweep/', 'core/jobs/digest/'];

let vendors: Vendors;
let firebreak: Firebreak;
let dir: string;
let records = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-tour-'));
  vendors = await startVendors({ timeScale: 100 });
  firebreak = await Firebreak.start({
    services: { checkout: { environments: { production: CHECKOUT } }, search: {} },
    timeScale: 1, // no job of another minute runs meanwhile
    unshown: true,
    sources: true,
    nodeArgs: ['--import', new URL('./record.ts', import.meta.url).href],
    env: { ...vendors.env, LOG_LEVEL: 'debug', FIREBREAK_TOUR_DIR: dir, SLACK_SIGNING_SECRET: SECRET },
  });
  for (const deployment of twoDeployments())
    expect((await firebreak.post('/v1/deployments', deployment)).status).toBe(201);
  // The jobs of the first minute belong to no request. The sweep records the configuration in the audit log.
  const isRecorded = ({ kind }: { kind: string }): boolean => kind === 'configuration.changed';
  await eventually(async () => (await firebreak.get('/v1/audit')).body.items.some(isRecorded), 'the first sweep');
  const runsJob = async () =>
    (await tourOf(async () => undefined)).some(({ file }) => JOBS.some((job) => file.startsWith(job)));
  await eventually(async () => !(await runsJob()) && !(await runsJob()), 'the end of the first jobs');
});
afterAll(async () => {
  await firebreak?.remove();
  await vendors?.close();
  await rm(dir, { recursive: true, force: true });
});

/** Returns the files that all threads of the product write with this prefix. */
const fromAllThreads = async (prefix: string): Promise<string[]> =>
  eventually(async () => {
    const names = await readdir(dir);
    const found = names.filter((name) => name.startsWith(prefix));
    return found.length === names.filter((name) => name.startsWith('thread-')).length ? found : undefined;
  }, `the files ${prefix} of all threads`);

/** Records what runs in the product's threads while something is done, in the order of the first run. */
async function tourOf(doIt: () => Promise<void>): Promise<Ran[]> {
  records += 1;
  const number = records;
  await writeFile(join(dir, 'next'), String(number));
  await rename(join(dir, 'next'), join(dir, 'on'));
  await fromAllThreads(`on-${number}-`);
  try {
    await doIt();
  } finally {
    await rm(join(dir, 'on'));
  }
  const results = await fromAllThreads(`${number}-`);
  const all = await Promise.all(
    results.toSorted().map(async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')) as Ran[]),
  );
  const files = new Map<string, number>();
  for (const { file, functions } of all.flat())
    if (!/^(test|packages)\//.test(file)) files.set(file, Math.max(functions, files.get(file) ?? 0));
  return [...files].map(([file, functions]) => ({ file, functions }));
}

/** Records a request several times, and returns the shortest recording. @param n number of the request, from 1 */
async function shortestTourOf(doIt: (n: number) => Promise<void>): Promise<Ran[]> {
  const tours: Ran[][] = [];
  for (let n = 1; n <= RECORDINGS; n += 1) tours.push(await tourOf(() => doIt(n)));
  return tours.reduce((shortest, tour) => (tour.length < shortest.length ? tour : shortest));
}

/** Prints the tour, which docs/explanation/architecture.md describes. Skips the rest if a job ran meanwhile. */
function expectShort({ skip }: TestContext, name: keyof typeof FILES_MAX, tour: readonly Ran[]): void {
  console.log(
    `${name}: ${tour.length} files\n${tour.map(({ file, functions }) => `  ${file} ${functions}`).join('\n')}`,
  );
  if (tour.some(({ file }) => JOBS.some((job) => file.startsWith(job)))) skip('a job ran meanwhile');
  expect(tour.length).toBeGreaterThan(10);
  expect(tour.length).toBeLessThanOrEqual(FILES_MAX[name]);
}

test('an alert, until the incident is mitigated', async (context) => {
  const tour = await tourOf(async () => {
    expect((await firebreak.post('/v1/alerts/alertmanager', group([alert()]))).status).toBe(202);
    await eventually(async () => firebreak.output.includes('"step":"conclude"'), 'the end of the mitigation');
  });
  expectShort(context, 'alert', tour);
});

test('a freeze check', async (context) => {
  const tour = await shortestTourOf(async () => {
    const scope = { service: 'search', environment: 'production', version: 'v10' };
    expect((await firebreak.post('/v1/freeze-check', scope)).status).toBe(200);
  });
  expectShort(context, 'freezeCheck', tour);
});

test('a deployment that is reported', async (context) => {
  const tour = await shortestTourOf(async (n) => {
    const deployment = { service: 'search', environment: 'production', version: `v9.${n}`, started_at: minutesAgo(90) };
    expect((await firebreak.post('/v1/deployments', deployment)).status).toBe(201);
  });
  expectShort(context, 'deployment', tour);
});

test('a command in Slack', async (context) => {
  const tour = await shortestTourOf(async (n) => {
    const body = new URLSearchParams({
      command: '/rollback',
      text: 'search production',
      user_id: 'U024BE7LH',
      team_id: 'T1DC2JH3J',
      channel_id: 'C1',
      channel_name: 'general',
      trigger_id: `1.1.${n}`,
      response_url: 'https://hooks.slack.com/commands/1/2/3',
    }).toString();
    const at = String(Math.floor(Date.now() / 1000));
    const signature = createHmac('sha256', SECRET).update(`v0:${at}:${body}`).digest('hex');
    const answer = await fetch(`${firebreak.url}/integrations/slack/commands`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': at,
        'x-slack-signature': `v0=${signature}`,
      },
      body,
    });
    expect(answer.status).toBe(200);
  });
  expectShort(context, 'rollback', tour);
});

test('a page of the console', async (context) => {
  const [incident] = (await firebreak.get('/v1/incidents')).body.items;
  const tour = await shortestTourOf(async () => {
    expect(await firebreak.get(`/console/incidents/${incident.id}`)).toMatchObject({ status: 200 });
  });
  expectShort(context, 'page', tour);
});
