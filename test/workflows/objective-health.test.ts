import { expect, test } from 'vitest';
import { healthQueryOf } from '../../core/domain/monitoring/objective-health.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { acting, fires, type Moment, play, says, theIncident } from './play.ts';
import { objective } from '../support/objective.ts';

const SLO = objective({
  indicator: { kind: 'ratio', counter: false, of: 'bad', numerator: 'bad[{{.window}}]', total: 'all[{{.window}}]' },
});

/** No health query in the catalogue, and an SLO for checkout in production. Records the queries to Prometheus. */
const withObjective =
  (asked: Set<string>): Moment =>
  (world) => {
    world.config = { ...acting(), slos: [SLO] };
    world.health = { kind: 'value', value: 0.2 };
    const { metrics } = world.deps;
    const noting: FakeWorld['deps']['metrics'] = {
      value: (promql) => (asked.add(promql), metrics.value(promql)),
      range: (promql, ...more) => (asked.add(promql), metrics.range(promql, ...more)),
      rangeByLabel: (...all) => metrics.rangeByLabel(...all),
      rule: (name) => metrics.rule(name),
    };
    Object.assign(world.deps, { metrics: noting });
  };

test('without a health query, the SLO provides the onset and the verification', async () => {
  const asked = new Set<string>();
  const { world } = await play({
    given: [withObjective(asked)],
    timeline: { '0 min': fires(), '20 min': says({ kind: 'resolve', by: 'person:ada', note: '' }) },
  });
  const { promql } = healthQueryOf(SLO);
  expect(asked).toEqual(new Set([promql]));
  const { timeline } = world.store.dossier(theIncident(world));
  expect(timeline.find(({ kind }) => kind === 'verification.failed')?.text).toMatch(
    /^Not healthy: the error ratio of checkout-availability is 20 %, above 0.56 %/,
  );
});
