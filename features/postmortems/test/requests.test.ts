import { expect, test } from 'vitest';
import type { Curve } from '../../../core/domain/correlation/evidence.ts';
import { millisOf, timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import { consoleWorld } from '../../../test/support/console-world.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';
import { textOf } from '../../../test/support/hostile.ts';
import { StoredProjections } from '../../../test/vendors/projectors/stored-projections.ts';
import { configured, ends, fires, play, theIncident } from '../../../test/workflows/play.ts';
import { draftDuePostmortems } from '../actions/jobs.ts';
import { withPorts } from '../ports.ts';
import { chatCompletions } from '../vendors/chat-completions.ts';

const RATIO = 'job:checkout:error_ratio';
const REQUESTS = 'job:checkout:requests:rate1m';

const BEGAN = Date.UTC(2026, 10, 20, 11, 58);

/** A value each 15 seconds, which is 0 before the problem if it is a share. */
function samples(value: number, from: Timestamp, until: Timestamp): Curve {
  const curve: [Timestamp, number][] = [];
  for (let at = millisOf(from); at <= millisOf(until); at += 15_000)
    curve.push([timestamp(at), value < 1 && at < BEGAN ? 0 : value]);
  return curve;
}

/** Lets a fifth of 50 requests per second fail from 11:58 on. @param last time of the last sample @param traffic query of the requests; null: none */
const measures =
  (traffic: string | null = REQUESTS, last = timestamp(Date.UTC(2100, 0))) =>
  async (world: FakeWorld) => {
    await configured({ health: { promql: RATIO, max: 0.01, ...(traffic !== null && { traffic }) } })(world);
    world.deps.metrics.range = async (promql, from, until) =>
      samples(promql === REQUESTS ? 50 : 0.2, from, until < last ? until : last);
  };

/** Returns the section about the impact, as the page of the post-mortem shows it. The alert fires from 11:59 to 12:10. */
async function impactAfter(given: (world: FakeWorld) => unknown, before: (world: FakeWorld) => unknown = () => null) {
  const { world } = await play({ given: [given], timeline: { '0 s': fires(), '10 min': ends() } });
  before(world);
  await draftDuePostmortems(withPorts(world.deps));
  const languageModel = chatCompletions({
    url: async () => undefined,
    key: async () => undefined,
    model: async () => undefined,
    clock: world.clock,
  });
  const { get } = consoleWorld(
    ({ deps: { features } }) => ({
      features: { ...features, postmortems: { ...features['postmortems'], languageModel } },
      projections: new StoredProjections(world.clock),
    }),
    world,
  );
  const page = await get(`/console/incidents/${theIncident(world)}/postmortem`, { token: 'ada' });
  return /## Impact\s+(.*?)\s*## Timeline/s.exec(textOf(await page.text()))?.[1];
}

test('requests of a time without samples are not counted', async () => {
  const [from, until] = [timestamp(Date.UTC(2026, 10, 20, 12, 3)), timestamp(Date.UTC(2026, 10, 20, 12, 7))];
  const withGap = async (world: FakeWorld) => {
    await measures()(world);
    const { range } = world.deps.metrics;
    world.deps.metrics.range = async (...query) =>
      (await range(...query))?.filter(([at]) => at < from || at > until) ?? null;
  };
  expect(await impactAfter(withGap)).toMatch(/^- About 4,\d{3} of 2\d,\d{3} requests failed/);
});

test('requests are counted from the onset to the recovery, by samples of the health query', async () => {
  expect(await impactAfter(measures())).toMatch(
    /^- About 7,\d{3} of 3\d,\d{3} requests failed \(\d+(?:\.\d)? %\) from 11:5\d to 12:10, by samples of job:checkout:error_ratio \[E\d+, E\d+\]\./,
  );
});

test('without an answer of Prometheus, the stored samples of the last judgement count, and the rest is unknown', async () => {
  const impact = await impactAfter(measures(), (world) => {
    world.deps.metrics.range = async () => null;
  });
  expect(impact).toMatch(
    /requests failed \(.* %\) from 11:5\d to 12:0\d, by samples of .*; how many failed after that is unknown, because there are no samples until 12:10/,
  );
});

test('samples that end too early are not taken for the whole time', async () => {
  const impact = await impactAfter(measures(REQUESTS, '2026-11-20T12:06:00.000Z' as Timestamp));
  expect(impact).toMatch(/to 12:06, .* no samples until 12:10/);
});

test('without a query of the requests, only the share is known', async () => {
  expect(await impactAfter(measures(null))).toMatch(
    /\*\*Question:\*\* How many requests failed\? Unknown\. No query counts the requests\. From 11:5\d to 12:10, \d+(?:\.\d)? % of them failed on average, by samples of job:checkout:error_ratio\./,
  );
});

test('without a health query, it is unknown', async () => {
  expect(await impactAfter(configured({}))).toContain(
    'How many requests failed? Unknown. No objective has counts for this time, and no samples tell the share of failed requests.',
  );
});
