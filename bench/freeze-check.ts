import { join } from 'node:path';
import { checkPath, ciClient } from './checks.ts';
import { clientOf } from './client.ts';
import { names } from './incident.ts';
import { type Pair, withPair } from './pair.ts';
import { result, type Result } from './results.ts';
import { whileTimeLasts } from './rounds.ts';
import { median, percentile } from './statistics.ts';
import type { Vendors } from './vendors.ts';

/** Questions that are measured, one after the other, and those before them that are not counted. */
const REPEATED = 1000;
const NEW = 500;
const WARM_UP = 300;

/** None begins after so long; on a quiet machine all have ended by then. Of each kind. */
const LAST_SECONDS = 6;

/** Highest accepted ratios to the bare way; docs/performance.md says why. */
const TARGETS = { repeated: { median: 10, p99: 15 }, new: { median: 12, p99: 15 } };

const services = names('checked', 10);

/** Milliseconds from the question to its answer: of the product, and of the bare way. */
type Sample = { ours: number; bare: number };

/**
 * The freeze check, asked one question after the other: what was asked before, beside a bare read; and of a version that
 * was never asked about, beside a bare read and a bare write, since that is a decision which is put on record.
 */
export async function measureFreezeCheck(folder: string, vendors: Vendors): Promise<Result[]> {
  const catalogue = { acting: [], asking: [], paging: services };
  return (await withPair(join(folder, 'freeze-check'), catalogue, vendors, measure)).measured;
}

async function measure({ product, reference }: Pair): Promise<Result[]> {
  const [ci, bare] = [await ciClient(product), clientOf(reference.url)];
  const sampled = (version: (number: number) => string, way: string) => async (number: number) => {
    const service = services[number % services.length] ?? '';
    return {
      ours: await milliseconds(() => ci.send('GET', checkPath(service, version(number)))),
      bare: await milliseconds(() => bare.send('POST', way, {})),
    };
  };
  try {
    const repeated = await samples(
      'repeated questions',
      REPEATED,
      sampled(() => 'v1', '/check-again'),
    );
    const first = await samples(
      'new questions',
      NEW,
      sampled((number) => `v${number}-new`, '/check'),
    );
    return [
      ...both('freeze check, asked before → answer', repeated, TARGETS.repeated),
      ...both('freeze check of a new version → answer', first, TARGETS.new),
    ];
  } finally {
    ci.close();
    bare.close();
  }
}

/** Without the first ones: what runs is compiled while it is used, and the first question about a place is a new one. */
async function samples(what: string, count: number, sample: (number: number) => Promise<Sample>): Promise<Sample[]> {
  const rounds = Array.from({ length: WARM_UP + count });
  const measured = await whileTimeLasts(what, LAST_SECONDS, rounds, (_, number) => sample(number));
  return measured.slice(Math.min(WARM_UP, Math.floor(measured.length / 2)));
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function both(name: string, measured: readonly Sample[], target: { median: number; p99: number }): Result[] {
  const [ours, bare] = [measured.map((sample) => sample.ours), measured.map((sample) => sample.bare)];
  return [
    result(`${name}, median ms`, median(ours), median(bare), target.median, 2),
    result(`${name}, p99 ms`, percentile(ours, 99), percentile(bare, 99), target.p99, 2),
  ];
}
