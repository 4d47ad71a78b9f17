import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checksFor } from '../checks.ts';
import { names } from '../harness/incident.ts';
import type { Bench } from '../harness/part.ts';
import { prepare, startProduct } from '../harness/product.ts';
import { objectives, startPrometheus } from '../harness/prometheus.ts';
import { percentile } from '../harness/statistics.ts';
import { sendStorm, sizeOf, stormOf } from '../harness/storm.ts';
import { type Prepared, type Wire, wireTo } from '../harness/wire.ts';
import { figure, type Measured, valueAtMost } from '../results.ts';
import { steadily } from '../steady.ts';

const PER_SECOND = 1000;
const PER_SECOND_SHORT = 100;
const SECONDS = 60;
const CONNECTIONS = 64;

/** Warm-up, because code is compiled on use. */
const WARM_UP_SECONDS = 3;

const services = names('loaded', 100);
const OBJECTIVES_EACH = 3;

/** One in this many checks is for a new version, whose decision is stored; services take turns. */
const NEW_OF = 99;

/** Evaluations run every ten seconds instead of sixty, so that one starts during every measurement. */
const TIME_SCALE = 6;

/** Part of the time after which the storm begins. */
const STORM_AFTER = 0.2;

const P99_MAX_MS = 50;

/**
 * Measures a thousand checks per second beside evaluations of 300 objectives every ten seconds, and a storm.
 *
 * @throws Error if no evaluation ran in parallel
 */
export async function* measureLoad({ folder, vendors, isShort, seconds }: Bench): AsyncIterable<Measured> {
  const [duration, perSecond] = [seconds ?? (isShort ? 12 : SECONDS), isShort ? PER_SECOND_SHORT : PER_SECOND];
  const storm = stormOf('beside-checks', isShort);
  const prometheus = await startPrometheus();
  await prepare(folder, { acting: [], asking: [], paging: [...services, ...storm.services] }, vendors);
  await mkdir(join(folder, 'config', 'slos'));
  await writeFile(join(folder, 'config', 'slos', 'all.yaml'), objectives(services, OBJECTIVES_EACH));
  const env = { PROMETHEUS_URL: prometheus.url, FIREBREAK_TIME_SCALE: `${TIME_SCALE}` };
  const product = await startProduct(folder, vendors, env);
  const pool = await Pool.to(product.url);
  try {
    const check = await checksFor(product);
    const ask = (part: string) => (number: number) => {
      const service = services[number % services.length] ?? '';
      return pool.send(check(service, number % NEW_OF === 0 ? `${part}-${number}` : 'v1'));
    };
    await steadily(perSecond, WARM_UP_SECONDS, ask('warm'));
    const before = prometheus.answered();
    const [{ waited, failed }] = await Promise.all([
      steadily(perSecond, duration, ask('v')),
      sleep(duration * STORM_AFTER * 1000).then(() => sendStorm(product, storm)),
    ]);
    const queries = prometheus.answered() - before;
    for (const [why, count] of failed) console.error(`bench: ${count} checks failed: ${why}`);
    const failures = [...failed.values()].reduce((sum, count) => sum + count, 0);
    const name = `${perSecond} checks per second for ${duration} s beside evaluations and ${sizeOf(storm)}`;
    yield figure(`${name} → failed`, failures, null, [valueAtMost(0)]);
    yield figure(`${name} → response, p50 ms`, percentile(waited, 50), null, [], 2);
    yield figure(`${name} → response, p99 ms`, percentile(waited, 99), null, [valueAtMost(P99_MAX_MS)], 2);
    if (queries < services.length * OBJECTIVES_EACH)
      throw new Error(`no evaluation ran in parallel with the checks: Prometheus answered ${queries} queries`);
  } finally {
    await product.stop();
    pool.close();
    prometheus.close();
  }
}

/** Connections of which each has one request at a time. Further requests wait. */
class Pool {
  readonly #all: readonly Wire[];
  readonly #free: Wire[];
  readonly #waiting: ((wire: Wire) => void)[] = [];

  private constructor(wires: readonly Wire[]) {
    this.#all = wires;
    this.#free = [...wires];
  }

  static async to(url: string): Promise<Pool> {
    return new Pool(await Promise.all(Array.from({ length: CONNECTIONS }, () => wireTo(url))));
  }

  async send(request: Prepared): Promise<void> {
    const wire = this.#free.pop() ?? (await new Promise<Wire>((resolve) => this.#waiting.push(resolve)));
    try {
      await wire.send(request);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(wire);
      else next(wire);
    }
  }

  close(): void {
    for (const wire of this.#all) wire.close();
  }
}
