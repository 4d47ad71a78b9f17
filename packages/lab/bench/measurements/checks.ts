import { checksFor } from '../checks.ts';
import { names } from '../harness/incident.ts';
import { type Pair, withPair } from '../harness/pair.ts';
import type { Bench } from '../harness/part.ts';
import { percentile } from '../harness/statistics.ts';
import { type Prepared, prepared, wireTo } from '../harness/wire.ts';
import { figure, type Measured, ratioAtMost } from '../results.ts';

/** Measured requests, one after another, and those before them that are not counted: code is compiled on use. */
const COUNT = 2000;
const WARM_UP = 1000;

const GOALS = [ratioAtMost(1.5)];

const services = names('checked', 10);

/**
 * Measures freeze checks one after another, each followed by a request to a bare server: repeated ones beside a read, and
 * ones of new versions beside a read and a commit, because a new decision is stored.
 */
export async function* measureChecks({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const catalogue = { acting: [], asking: [], paging: services };
  yield* withPair(folder, catalogue, vendors, (pair) => measure(pair, isShort ? 50 : 1));
}

async function* measure({ product, reference }: Pair, share: number): AsyncIterable<Measured> {
  const check = await checksFor(product);
  const [ci, other] = [await wireTo(product.url), await wireTo(reference.url)];
  const milliseconds = async (wire: typeof ci, request: Prepared): Promise<number> => {
    const began = performance.now();
    await wire.send(request);
    return performance.now() - began;
  };
  const kinds = [
    { name: 'repeated freeze check → response', version: () => 'v1', path: '/read' },
    { name: 'freeze check of a new version → response', version: (n: number) => `v${n}-new`, path: '/commit' },
  ];
  try {
    for (const { name, version, path } of kinds) {
      const [own, bare]: [number[], number[]] = [[], []];
      const request = prepared('GET', path);
      for (let n = 0; n < (WARM_UP + COUNT) / share; n += 1) {
        own.push(await milliseconds(ci, check(services[n % services.length] ?? '', version(n))));
        bare.push(await milliseconds(other, request));
      }
      const measured = (all: readonly number[]) => all.slice(Math.floor(WARM_UP / share));
      for (const percent of [50, 99])
        yield figure(
          `${name}, p${percent} ms`,
          percentile(measured(own), percent),
          percentile(measured(bare), percent),
          GOALS,
          3,
        );
    }
  } finally {
    ci.close();
    other.close();
  }
}
