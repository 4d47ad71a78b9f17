import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Product } from '../../../functions/assembly/product.ts';
import { increase } from '../../../packages/lab/evaluation/canary/scrape.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { configured } from '../../../test/workflows/play.ts';
import { begins, judgedBy, playCanary } from './stories.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

const START = Date.parse('2026-11-20T12:00:00.000Z') / 1000;
const BEFORE = 2 * 3600;
const AFTER = 3 * 3600;
const PER_SECOND = 50;
const USUAL = 0.005;

/** Error ratio, by the seconds since the start of the canary. */
type Errors = (second: number) => number;

/** Returns what a Prometheus answers that scrapes v1 for two hours and v2 since its start, every 15 seconds. */
function prometheus(errorsOfCanary: Errors, errorsOfStable: Errors): Product['metricQueries']['range'] {
  const counter = (from: number, perSecond: (second: number) => number) => {
    let sum = 0;
    const values = Float64Array.from({ length: BEFORE + AFTER }, (_, second) =>
      second < from ? 0 : (sum += perSecond(second - BEFORE)),
    );
    return { from, values };
  };
  const recorded = {
    total: { v1: counter(0, () => PER_SECOND), v2: counter(BEFORE, () => PER_SECOND) },
    bad: {
      v1: counter(0, (second) => PER_SECOND * errorsOfStable(second)),
      v2: counter(BEFORE, (second) => PER_SECOND * errorsOfCanary(second)),
    },
  };
  return async (query, from, until, step) => {
    const versions = Object.entries(recorded[query as 'bad' | 'total']);
    const [first, last] = [millisOf(from) / 1000, millisOf(until) / 1000];
    const times = Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step);
    const series = versions.map(([version, { from: begin, values }]) => ({
      labels: { version },
      values: times.flatMap((at): [number, number][] => {
        const side = { from: begin, until: values.length, phase: 7 };
        const more = increase(values, side, at - START + BEFORE, 2 * step);
        return more === null ? [] : [[at, more / (2 * step)]];
      }),
    }));
    return { kind: 'series', series };
  };
}

const errors = { kind: 'ratio', name: 'errors', bad: 'bad', total: 'total' };
const canary = {
  traffic: { kind: 'http' },
  steps: [5, 50, 100],
  stepMinutes: 20,
  checkSeconds: 60,
  stalledMinutes: 30,
};

/** The last step is over 60 minutes after the start. */
const DECISION = 60 * 60;

/** The same measurements without the version: the sums of all series. */
const unnamed =
  (range: Product['metricQueries']['range']): Product['metricQueries']['range'] =>
  async (...asked) => {
    const answer = await range(...asked);
    if (answer?.kind !== 'series') return answer;
    const sums = new Map<number, number>();
    for (const [at, value] of answer.series.flatMap(({ values }) => values)) sums.set(at, (sums.get(at) ?? 0) + value);
    return { kind: 'series', series: [{ labels: {}, values: [...sums] }] };
  };

let number = 700;
const play = (errorsOfCanary: Errors, errorsOfStable: Errors = () => USUAL) =>
  playCanary(stores.table, (number += 1), {
    given: [configured({ canary, judge: { metrics: [errors] } }), judgedBy(prometheus(errorsOfCanary, errorsOfStable))],
    timeline: { '0 s': begins },
  });

test('a canary that has failed in its last 40 seconds is not promoted, and aborted once it is proved', async () => {
  const { log, canary: ended, events } = await play((second) => (second >= DECISION - 40 ? 0.3 : USUAL));
  expect(log).toEqual(['5 %', '50 %', '100 %', 'abort', 'outcome aborting, degraded', 'outcome aborted, degraded']);
  expect(ended).toMatchObject({ status: 'aborted', weight: 0 });
  expect(events.find((event) => event.startsWith('held'))).toMatch(
    /but 12 % of 3,000 requests in the newest 2 windows; v1 at the same time: 0\.5 % of/,
  );
});

test('a canary whose short problem is over is promoted later', async () => {
  const { log, events } = await play((second) => (second >= DECISION - 40 && second < DECISION ? 0.3 : USUAL));
  expect(log).toEqual(['5 %', '50 %', '100 %', 'promote', 'outcome promoted']);
  expect(events.map((event) => event.split(' ')[0])).toEqual(expect.arrayContaining(['held', 'resumed']));
});

test('a canary above its limit in its newest windows is not promoted, although v1 is, too', async () => {
  const problem: Errors = (second) => (second >= DECISION - 40 && second < DECISION ? 0.03 : USUAL);
  const { log, events } = await play(problem, problem);
  expect(log).toEqual(['5 %', '50 %', '100 %', 'promote', 'outcome promoted']);
  expect(events.find((event) => event.startsWith('held'))).toMatch(/in the newest 2 windows, above the limit of 1 %/);
});

test('a canary whose series do not name the version is aborted if the service got worse', async () => {
  const { canary: ended } = await playCanary(stores.table, (number += 1), {
    given: [
      configured({ canary, judge: { metrics: [errors] } }),
      judgedBy(
        unnamed(
          prometheus(
            () => 0.1,
            () => USUAL,
          ),
        ),
      ),
    ],
    timeline: { '0 s': begins },
  });
  expect(ended).toMatchObject({ status: 'aborted', weight: 0 });
});
