import * as z from 'zod';
import { type Alertmanager, startAlertmanager } from '../harness/alertmanager.ts';
import { names } from '../harness/incident.ts';
import { type Pair, withPair } from '../harness/pair.ts';
import type { Bench } from '../harness/part.ts';
import { untilIdle } from '../harness/process.ts';
import { BENCH_TOKEN, group } from '../harness/product.ts';
import { percentile } from '../harness/statistics.ts';
import { type Load, type Prepared, prepared, saturate } from '../harness/wire.ts';
import { figure, type Goal, type Measured, ratioAtLeast, ratioAtMost } from '../results.ts';

/** Alerts in a request, with the lowest accepted ratios to both references. */
const SIZES: readonly { alerts: number; bare: readonly Goal[]; alertmanager: readonly Goal[] }[] = [
  { alerts: 1, bare: [ratioAtLeast(0.3)], alertmanager: [ratioAtLeast(0.2)] },
  { alerts: 10, bare: [], alertmanager: [] },
  { alerts: 100, bare: [ratioAtLeast(0.6)], alertmanager: [ratioAtLeast(1)] },
];

const CONNECTIONS = [1, 50];

const SECONDS = 5;
const WARM_UP_SECONDS = 2;

/** Senders that take turns, so that none exceeds the limit of a sender. */
const senders = names('sender-of-alerts', 20);

/** Groups of alerts, which are sent again and again, as senders do while the alerts fire. Each is of another service. */
const services = names('sender', 50);

/**
 * Measures how many alerts are accepted per second: stored durably, and answered with 202. The product opens and updates
 * incidents for them at the same time. Then the same requests are sent to a bare server that parses their JSON and
 * commits it, and the same alerts to an Alertmanager, which keeps them in memory.
 */
export async function* measureIntake({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const alertmanager = await startAlertmanager(folder);
  if (alertmanager === undefined)
    yield { name: 'alerts accepted beside Alertmanager', why: 'prometheus-alertmanager is not installed' };
  const catalogue = { acting: [], asking: [], paging: services };
  try {
    yield* withPair(folder, catalogue, vendors, (pair) => measure(pair, alertmanager, isShort));
  } finally {
    await alertmanager?.stop();
  }
}

async function* measure(
  { product, reference }: Pair,
  alertmanager: Alertmanager | undefined,
  isShort: boolean,
): AsyncIterable<Measured> {
  const [seconds, warmUp] = isShort ? [0.3, 0.1] : [SECONDS, WARM_UP_SECONDS];
  const tokens = await Promise.all(senders.map((name) => tokenOf(product.url, name)));
  for (const { alerts, bare, alertmanager: beside } of SIZES) {
    const groups = services.map((service) => group([service], alerts) as { alerts: object[] });
    const webhooks = groups.map((one, index) => {
      const authorization = `Bearer ${tokens[index % tokens.length]}`;
      return prepared('POST', '/v1/alerts/alertmanager', { authorization }, JSON.stringify(one));
    });
    const bareOnes = groups.map((one) => prepared('POST', '/alerts', {}, JSON.stringify(one)));
    const posts = groups.map((one) => prepared('POST', '/api/v2/alerts', {}, JSON.stringify(one.alerts.map(asPosted))));
    for (const connections of CONNECTIONS) {
      const rate = async (url: string, requests: readonly Prepared[]): Promise<Rate> => {
        const next = (number: number) => requests[number % requests.length] ?? Buffer.alloc(0);
        await saturate(url, { connections, seconds: warmUp }, next);
        return rateOf(await saturate(url, { connections, seconds }, next), alerts);
      };
      const own = await rate(product.url, webhooks);
      if (!isShort) await untilIdle(product.pid);
      const atBare = await rate(reference.url, bareOnes);
      const what = `${alerts} a group, ${connections} connections`;
      yield figure(
        `alerts accepted, ${what}, per second, beside a bare server`,
        own.perSecond,
        atBare.perSecond,
        bare,
        0,
      );
      if (alertmanager === undefined) continue;
      const atOther = await rate(alertmanager.url, posts);
      yield figure(
        `alerts accepted, ${what}, per second, beside Alertmanager`,
        own.perSecond,
        atOther.perSecond,
        beside,
        0,
      );
      const isGoal = alerts === 100 && connections === 50;
      yield figure(
        `alerts accepted, ${what}, response p99 ms, beside Alertmanager`,
        own.p99,
        atOther.p99,
        isGoal ? [ratioAtMost(1)] : [],
        2,
      );
    }
  }
}

/** Creates a token for alerts. */
async function tokenOf(url: string, name: string): Promise<string> {
  const headers = { authorization: `Bearer ${BENCH_TOKEN}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ name, actions: ['alerts:write'] });
  const answer = await fetch(`${url}/v1/tokens`, { method: 'POST', headers, body });
  return z.object({ token: z.string() }).parse(await answer.json()).token;
}

/** An alert as Prometheus posts it to Alertmanager. */
const asPosted = (alert: object): object => {
  const { labels, annotations, startsAt, generatorURL } = alert as Record<string, unknown>;
  return { labels, annotations, startsAt, generatorURL };
};

type Rate = { perSecond: number; p99: number };

const rateOf = ({ seconds, waited }: Load, alerts: number): Rate => ({
  perSecond: (waited.length * alerts) / seconds,
  p99: percentile(waited, 99),
});
