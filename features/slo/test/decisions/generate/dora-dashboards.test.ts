import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { doraDashboard, infrastructureDashboard } from '../../../decisions/generate/delivery-dashboards.ts';

// Not by an import: delivery figures and objectives can be left out independently of each other.
const WORLD = new URL('../../../../delivery/test/dora-world.ts', import.meta.url);

test.runIf(existsSync(WORLD))('the dashboard of DORA figures reads each series that Firebreak has', async () => {
  const { DoraWorld } = await import(WORLD.href);
  const world = await DoraWorld.open();
  onTestFinished(() => world.stores.close());
  await world.recordTable();
  const { text } = await world.call('GET', '/metrics');
  const read = new Set(JSON.stringify(doraDashboard().panels).match(/firebreak_dora_\w+/g));
  expect(read).toEqual(new Set(text.match(/^firebreak_dora_\w+/gm)));
  expect(JSON.stringify(infrastructureDashboard().panels)).toContain('firebreak_dora_infrastructure_changes{');
});
