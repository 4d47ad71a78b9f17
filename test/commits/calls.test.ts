import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployments, group } from '../../packages/lab/bench/harness/product.ts';
import { AwsProduct } from '../support/aws/product.ts';
import { eventually } from '../support/firebreak.ts';
import { startVendors, type Vendors } from '../support/scenario/vendors.ts';
import { CallRounds } from './call-rounds.ts';

/** The goals of docs/explanation/performance.md. */
const GOALS = { page: 10, rollback: 16 };

const ALERTS = '/v1/alerts/alertmanager';
const CALLS = { page: 'pagerduty POST /v2/enqueue', rollback: 'cd POST /api/v1/rollback' };

/** Between the incident that starts the functions and the one that is counted, in seconds. */
const PAUSE_SECONDS = 7200;

const ACTING = {
  environments: {
    production: {
      deployer: { kind: 'http' },
      autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act', settleSeconds: 0 },
    },
  },
};

const calls = new CallRounds();
let product: AwsProduct;
let vendors: Vendors;

beforeAll(async () => {
  vendors = await startVendors({
    timeScale: 1,
    around: ({ vendor, method, path }, effect) => calls.called(`${vendor} ${method} ${path}`, effect),
  });
  const { FIREBREAK_SANDBOX: _, ...env } = vendors.env;
  product = await AwsProduct.start({
    services: { search: { environments: { production: {} } }, checkout: ACTING },
    timeScale: 1,
    env,
    proxy: (service, upstream) => calls.proxy(service, upstream),
    sweeps: false,
  });
  // Instances of the functions have started, and know their secrets. They read the configuration again, as after each pause.
  product.advance(-PAUSE_SECONDS);
  await product.insist('POST', ALERTS, group(['search']));
  await product.insist('POST', ALERTS, { ...group(['search']), ...ended(group(['search'])) });
  await eventually(async () => (await vendors.pagerDutyIncidents())[0]?.status === 'resolved', 'the end of its page');
  await product.untilIdle();
  product.advance(PAUSE_SECONDS);
  for (const deployment of deployments('checkout')) await product.insist('POST', '/v1/deployments', deployment);
  // Holding the calls takes time, in which nothing must expire.
  product.stopClock();
  calls.hold();
  await product.insist('POST', ALERTS, group(['checkout']));
  await eventually(async () => (await vendors.calls('cd')).some(({ method }) => method === 'POST'), 'the rollback');
  calls.release();
});

afterAll(async () => {
  await product.close();
  await vendors.close();
});

const ended = (notification: any): object => ({
  status: 'resolved',
  alerts: notification.alerts.map((one: object) => ({ ...one, status: 'resolved', endsAt: new Date().toISOString() })),
});

/** Returns the rounds from the one that stores the accepted alert until a call, without it. */
function roundsUntil(call: string): string[][] {
  const { events } = calls;
  const accepted = events.findIndex(
    (event) => 'round' in event && event.round.includes('SendMessageBatch urgent.fifo'),
  );
  const end = events.findIndex((event) => 'call' in event && event.call === call);
  return events.slice(accepted + 1, end).flatMap((event) => ('round' in event ? [event.round] : []));
}

const ADMISSION =
  'TransactWriteItems Put EP, Put INC/SIG, Put INC/META, Put OPEN, Put INCNUMBER, Put OPENINC, Put INCOF, Update PENDING, Put OPENINGS, Update DUE, Put INC/TL';

/**
 * What the path waits for: of each round, one call without which the next round would not come. The others of a round pass
 * together with it.
 */
const UNTIL_THE_BRANCHES = [
  'BatchGetItem OPEN, EP',
  ADMISSION,
  'Invoke(Event)',
  'GetItem INC/META',
  'Query INCOF',
  'Query OPENINGS',
  'Checkpoint SUCCEED begin',
];

const PATHS: Record<keyof typeof GOALS, string[]> = {
  page: [...UNTIL_THE_BRANCHES, 'Query INC/TL', 'TransactWriteItems Put INC/EFF, Put UNFINISHED, Update INC/META'],
  rollback: [
    ...UNTIL_THE_BRANCHES,
    'GetItem PACE',
    'TransactWriteItems Put INC/DEC, Update INC/META, Put INC/TL',
    'Checkpoint SUCCEED judge',
    'GetItem PACE',
    'BatchGetItem INC/EFF, INC/META, LOCK, PACE',
    'TransactWriteItems Put INC/EFF, Put LOCK, Update INC/META, Put ACT, Put AUTOACTION, Put INC/TL, Put LOGWAITING, Put UNFINISHED, Put EVIDENCEDUE, Put PACE',
    'Query CHG',
  ],
};

test.each(['page', 'rollback'] as const)('the calls of AWS that follow one another until the %s are these', (call) => {
  const [path, all] = [PATHS[call], roundsUntil(CALLS[call])];
  console.log(`${path.length} calls of AWS one after another until the ${call}; the goal is ${GOALS[call]}`);
  const names: unknown[] = [];
  for (const round of all) {
    const next = path[names.length];
    if (next !== undefined && round.includes(next)) names.push(next);
    // The SDK sends one checkpoint at a time, so one of another branch can hold up one of the path: chance decides.
    else if (!round.includes('Checkpoint')) names.push(round);
  }
  expect(names).toEqual(path);
  expect(all.length).toBeLessThanOrEqual(GOALS[call]);
});
