import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPath, ciClient } from '../checks.ts';
import { clientOf } from '../harness/client.ts';
import { names } from '../harness/incident.ts';
import { createFolder, startReference } from '../harness/pair.ts';
import { prepare, type Product, startProduct } from '../harness/product.ts';
import { objectives, type Prometheus, startPrometheus } from '../harness/prometheus.ts';
import { result, type Result } from '../results.ts';
import { median, percentile } from '../harness/statistics.ts';
import { type Answers, steadily } from '../steady.ts';
import type { Vendors } from '../harness/vendors.ts';

const PER_SECOND = 1000;

/** Warm-up, because code is compiled on use. */
const WARM_UP_SECONDS = 3;

/** Duration of the reference, which runs undisturbed. */
const REFERENCE_SECONDS = 5;

const services = names('loaded', 100);
const OBJECTIVES_EACH = 3;

/** One in this many checks is for a new version, whose decision is stored; services take turns. */
const NEW_OF = 99;

/** Evaluations run every ten seconds instead of sixty, so that one starts during every measurement. */
const TIME_SCALE = 6;

/** Highest accepted ratios to the reference; for the reasons, see docs/explanation/performance.md. */
const TARGETS = { median: 30, p99: 250 };

/**
 * Measures a thousand checks per second, in parallel with evaluations of a few hundred SLOs.
 *
 * @throws Error if no evaluation ran in parallel
 */
export async function measureLoad(folder: string, vendors: Vendors, seconds: number): Promise<Result[]> {
  const prometheus = await startPrometheus();
  try {
    const product = await startLoaded(join(folder, 'load'), vendors, prometheus);
    const answers = await productAnswers(product, prometheus, seconds);
    return lines(answers, await referenceAnswers(join(folder, 'load-reference')), seconds);
  } finally {
    prometheus.close();
  }
}

async function startLoaded(folder: string, vendors: Vendors, { url }: Prometheus): Promise<Product> {
  await prepare(folder, { acting: [], asking: [], paging: services }, vendors);
  await mkdir(join(folder, 'config', 'slos'));
  await writeFile(join(folder, 'config', 'slos', 'all.yaml'), objectives(services, OBJECTIVES_EACH));
  return startProduct(folder, vendors, { PROMETHEUS_URL: url, FIREBREAK_TIME_SCALE: `${TIME_SCALE}` });
}

async function productAnswers(product: Product, prometheus: Prometheus, seconds: number): Promise<Answers> {
  const ci = await ciClient(product);
  const ask = (part: string) => (number: number) => {
    const service = services[number % services.length] ?? '';
    return ci.send('GET', checkPath(service, number % NEW_OF === 0 ? `${part}-${number}` : 'v1'));
  };
  try {
    await steadily(PER_SECOND, WARM_UP_SECONDS, ask('warm'));
    const before = prometheus.answered();
    const answers = await steadily(PER_SECOND, seconds, ask('v'));
    const queries = prometheus.answered() - before;
    if (queries < services.length * OBJECTIVES_EACH)
      throw new Error(`no evaluation ran in parallel with the checks: Prometheus answered ${queries} queries`);
    return answers;
  } finally {
    ci.close();
    await product.stop();
  }
}

async function referenceAnswers(folder: string): Promise<Answers> {
  const reference = await startReference(await createFolder(folder));
  const referenceClient = clientOf(reference.url);
  try {
    const send = () => referenceClient.send('POST', '/check-again', {});
    await steadily(PER_SECOND, 1, send);
    return await steadily(PER_SECOND, REFERENCE_SECONDS, send);
  } finally {
    referenceClient.close();
    await reference.stop();
  }
}

function lines({ waited, failed }: Answers, reference: Answers, seconds: number): Result[] {
  for (const [why, count] of failed) console.error(`bench: ${count} checks failed: ${why}`);
  const failures = [...failed.values()].reduce((sum, count) => sum + count, 0);
  const name = `${PER_SECOND} checks per second for ${seconds} s with evaluations`;
  return [
    result(`${name} → failed (reference: one check)`, failures, 1, 0),
    result(`${name} → response, median ms`, median(waited), median(reference.waited), TARGETS.median, 2),
    result(`${name} → response, p99 ms`, percentile(waited, 99), percentile(reference.waited, 99), TARGETS.p99, 2),
  ];
}
