import { expect, test } from 'vitest';
import type { ExpectedAlert } from '../experiment.ts';
import { readmitUnmuted } from '../../../core/jobs/sweep/mutes.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { anExperiment, checkoutProduction } from './experiments.ts';
import { FakeWorld } from '../../../test/support/fake-deps.ts';
import { addFeature } from '../../../test/support/feature-deps.ts';
import { Config } from '../../../schemas/config/config.ts';
import { signal } from '../../../test/support/signals.ts';

test('an alert aborts an experiment when its maintenance window has ended', async () => {
  const world = new FakeWorld();
  const { deps } = world;
  world.config = Config.parse({
    version: 'test',
    paging: {},
    services: { checkout: { environments: { production: { experiments: {} } } } },
  });
  const now = deps.clock.now();
  const one = signal({
    ...checkoutProduction,
    labels: [['alertname', 'DataLoss']],
    startsAt: plusSeconds(now, -60),
    severity: 'critical',
  });
  const experiment = anExperiment({
    started_at: plusSeconds(now, -120),
    until: plusSeconds(now, 300),
    expires_at: plusSeconds(now, 600),
  });
  const recorded: ExpectedAlert[] = [];
  addFeature(deps, 'experiments', {
    experiments: {
      unfinished: async () => [experiment],
      get: async () => experiment,
      expect: async (_: string, alert: ExpectedAlert) => void recorded.push(alert),
    },
  });
  const mute = { by: 'maintenance' as const, name: 'move', until: now, reason: '' };
  Object.assign(deps.silences, { active: async () => [] });
  Object.assign(deps.incidents, { muted: async () => [{ signal: one, mute }] });
  await readmitUnmuted(deps, 'trace');
  expect(recorded).toMatchObject([{ title: one.title, abort: true }]);
});
