import { setTimeout as sleep } from 'node:timers/promises';
import { names } from '../harness/incident.ts';
import type { Bench } from '../harness/part.ts';
import { memoryOf, untilIdle } from '../harness/process.ts';
import { BENCH_TOKEN, group, prepare, type Product, startProduct, webhookOf } from '../harness/product.ts';
import { median } from '../harness/statistics.ts';
import { sendStorm, stormOf, untilPaged } from '../harness/storm.ts';
import { prepared, wireTo } from '../harness/wire.ts';
import { figure, type Measured, ratioAtMost, valueAtMost } from '../results.ts';

const IDLE_MAX_MB = 150;
/** After the start, and after a storm. */
const QUIET_SECONDS = 60;
/** Seconds without load that the curve begins with. */
const BEFORE_STORM = 10;

/** A soak of 30 minutes is an argument of the command line. */
const SOAK_SECONDS = 60;
const SOAK_PER_SECOND = 50;
const ALERTS_PER_REQUEST = 10;

const soaked = names('soaked', 50);

/** In every fourth round over all services, the alerts end. */
const ENDS_EVERY = 4;

/** Measures the memory of the process (resident set): idle, after a storm, and during hours of alerts. */
export async function* measureMemory({ folder, vendors, isShort, seconds }: Bench): AsyncIterable<Measured> {
  const storm = stormOf('for-memory', isShort);
  await prepare(folder, { acting: [], asking: [], paging: [...storm.services, ...soaked] }, vendors);
  const product = await startProduct(folder, vendors);
  const curve: number[] = [];
  const sample = () => void curve.push(Math.round(memoryOf(product.pid)));
  const everySecond = setInterval(sample, 1000);
  try {
    await sleep((isShort ? 2 : QUIET_SECONDS) * 1000);
    const idle = memoryOf(product.pid);
    yield figure('memory, idle, MB', idle, null, [valueAtMost(IDLE_MAX_MB)], 0);
    curve.splice(0, curve.length - BEFORE_STORM);
    await sendStorm(product, storm);
    await untilPaged(vendors, storm);
    if (!isShort) {
      await untilIdle(product.pid);
      await sleep(QUIET_SECONDS * 1000);
    }
    clearInterval(everySecond);
    const after = memoryOf(product.pid);
    const returned = figure('memory, 60 s after a storm, MB, beside idle', after, idle, [ratioAtMost(1.3)], 0);
    yield { ...returned, perSecond: curve };
    const duration = seconds ?? (isShort ? 5 : SOAK_SECONDS);
    const samples = await soak(product, duration);
    const fifth = Math.ceil(samples.length / 5);
    yield figure(
      `memory, ${duration} s of ${SOAK_PER_SECOND} alerts per second, last fifth, MB, beside the second fifth`,
      median(samples.slice(-fifth)),
      median(samples.slice(fifth, 2 * fifth)),
      [ratioAtMost(1.05)],
      0,
    );
  } finally {
    clearInterval(everySecond);
    await product.stop();
  }
}

/** Returns the memory in each second. */
async function soak({ url, pid }: Product, seconds: number): Promise<number[]> {
  const requests = Array.from({ length: ENDS_EVERY }, (_, round) => {
    const status = round === ENDS_EVERY - 1 ? 'resolved' : 'firing';
    return soaked.map((service) => {
      const { alerts } = group([service], ALERTS_PER_REQUEST) as { alerts: object[] };
      const body = webhookOf(
        status,
        alerts.map((alert) => ({ ...alert, status })),
      );
      return prepared(
        'POST',
        '/v1/alerts/alertmanager',
        { authorization: `Bearer ${BENCH_TOKEN}` },
        JSON.stringify(body),
      );
    });
  }).flat();
  const wire = await wireTo(url);
  const samples: number[] = [];
  const [perSecond, began] = [SOAK_PER_SECOND / ALERTS_PER_REQUEST, performance.now()];
  try {
    for (let number = 0; number < seconds * perSecond; number += 1) {
      await sleep(Math.max(0, began + (number * 1000) / perSecond - performance.now()));
      await wire.send(requests[number % requests.length] ?? Buffer.alloc(0));
      if (number % perSecond === 0) samples.push(memoryOf(pid));
    }
    return samples;
  } finally {
    wire.close();
  }
}
