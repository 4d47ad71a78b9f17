import type { Caller } from '../../../core/actions/people/caller.ts';
import { keepHealthSamples } from '../../../core/jobs/sweep/health-samples.ts';
import { api } from '../../../entrances/http/app.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { reportsHere } from '../../../functions/assembly/reports.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { NOON } from '../../../test/core/arbitraries.ts';
import { consoleWorld, tokenRecord } from '../../../test/support/console-world.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';
import { configured, type Moment, samplesOf } from '../../../test/workflows/play.ts';
import { partsOf } from '../decisions/markdown.ts';

export const minute = (minutes: number): Timestamp => plusSeconds(NOON, 60 * minutes);

export type Errors = readonly (readonly [from: number, until: number, ratio: number])[];

export const ratioAt =
  (errors: Errors) =>
  (time: Timestamp): number | undefined =>
    errors.find(([from, until]) => time >= minute(from) && time < minute(until))?.[2];

/** Measures errors. @param errorsAt undefined: there are nearly none at that time */
export const measuring =
  (errorsAt: (time: Timestamp) => number | undefined, more: object = {}): Moment =>
  async (world) => {
    await configured({ health: { promql: 'job:checkout:error_ratio', max: 0.01 }, ...more })(world);
    const valueAt = (time: Timestamp): number => errorsAt(time) ?? 0.001;
    world.deps.metrics.value = async () => ({ kind: 'value', value: valueAt(world.clock.now()) });
    world.deps.metrics.range = async (_promql, from, until, _combine, { stepSeconds = 30 } = {}) =>
      samplesOf(from, until, valueAt, stepSeconds);
  };

export const sweeps: Moment = async ({ deps }) => keepHealthSamples(deps, await deps.incidents.open());

export const ADA: Caller = { name: 'person:ada', allow: () => undefined };

/** Returns what `GET /v1/metrics/dora` says. Null: the feature is not installed. */
export async function doraOf(world: FakeWorld): Promise<any> {
  const deps: Product = Object.assign({}, world.deps, {
    tokens: { find: async () => tokenRecord('ada', ['*']) },
    reports: reportsHere(() => deps),
    secrets: { get: async () => undefined },
  });
  const response = await api(deps).request('/v1/metrics/dora?window=7d', {
    headers: { authorization: 'Bearer token' },
  });
  return response.status === 404 ? null : response.json();
}

export const sectionOf = (markdown: string, heading: string): string[] =>
  (partsOf(markdown).sections.find((one) => one.heading === heading)?.text ?? '').split('\n');

export const consolePage = (world: FakeWorld, id: string): Promise<string> =>
  consoleText(world, `/console/incidents/${id}`);

export const consoleText = async (world: FakeWorld, path: string): Promise<string> =>
  (await consoleWorld(() => ({}), world).get(path, { token: 'ada' })).text();
