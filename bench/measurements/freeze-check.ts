import { join } from 'node:path';
import { checkPath, ciClient } from '../checks.ts';
import { clientOf } from '../harness/client.ts';
import { names } from '../harness/incident.ts';
import { type Pair, withPair } from '../harness/pair.ts';
import { result, type Result } from '../results.ts';
import { whileTimeLasts } from '../harness/rounds.ts';
import { median, percentile } from '../harness/statistics.ts';
import type { Vendors } from '../harness/vendors.ts';

/** Measured requests, one after another, and warm-up requests that are not counted. */
const REPEATED = 1000;
const NEW = 500;
const WARM_UP = 300;

/** Time limit for starting requests of each kind; an idle machine finishes all of them. */
const LAST_SECONDS = 6;

/** Highest accepted ratios to the reference; for the reasons, see docs/explanation/performance.md. */
const TARGETS = { repeated: { median: 10, p99: 15 }, new: { median: 12, p99: 15 } };

const services = names('checked', 10);

/** Milliseconds from request to response, of the product and of the reference. */
type SamplePair = { product: number; reference: number };

/**
 * Measures freeze checks one after another: repeated ones with a bare read as the reference, and ones of new versions with a
 * bare read and a bare write, because a new decision is stored.
 */
export async function measureFreezeCheck(folder: string, vendors: Vendors): Promise<Result[]> {
  const catalogue = { acting: [], asking: [], paging: services };
  return (await withPair(join(folder, 'freeze-check'), catalogue, vendors, measure)).measured;
}

async function measure({ product, reference }: Pair): Promise<Result[]> {
  const [ci, referenceClient] = [await ciClient(product), clientOf(reference.url)];
  const samplerFor = (version: (number: number) => string, path: string) => async (number: number) => {
    const service = services[number % services.length] ?? '';
    return {
      product: await milliseconds(() => ci.send('GET', checkPath(service, version(number)))),
      reference: await milliseconds(() => referenceClient.send('POST', path, {})),
    };
  };
  try {
    const repeated = await samples(
      'repeated checks',
      REPEATED,
      samplerFor(() => 'v1', '/check-again'),
    );
    const first = await samples(
      'new checks',
      NEW,
      samplerFor((number) => `v${number}-new`, '/check'),
    );
    return [
      ...medianAndP99('repeated freeze check → response', repeated, TARGETS.repeated),
      ...medianAndP99('freeze check of a new version → response', first, TARGETS.new),
    ];
  } finally {
    ci.close();
    referenceClient.close();
  }
}

/** Drops the warm-up: code is compiled on use, and the first check of a service is a new one. */
async function samples(
  what: string,
  count: number,
  sample: (number: number) => Promise<SamplePair>,
): Promise<SamplePair[]> {
  const rounds = Array.from({ length: WARM_UP + count });
  const measured = await whileTimeLasts(what, LAST_SECONDS, rounds, (_, number) => sample(number));
  return measured.slice(Math.min(WARM_UP, Math.floor(measured.length / 2)));
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function medianAndP99(
  name: string,
  measured: readonly SamplePair[],
  target: { median: number; p99: number },
): Result[] {
  const [product, reference] = [measured.map((sample) => sample.product), measured.map((sample) => sample.reference)];
  return [
    result(`${name}, median ms`, median(product), median(reference), target.median, 2),
    result(`${name}, p99 ms`, percentile(product, 99), percentile(reference, 99), target.p99, 2),
  ];
}
