import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSet } from '../../../local/config/config-set.ts';

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-set-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const load = () => loadSet({ configDir: join(dir, 'config'), runbooksDir: join(dir, 'runbooks') });

test('errors that only check refuses are warnings at the start', async () => {
  await mkdir(join(dir, 'config'));
  await mkdir(join(dir, 'runbooks'));
  const files = {
    'config/services.yaml': `services:
  checkout:
    dependsOn: [serch]
    environments:
      production: { health: { promql: 'sum(rate(', max: 0.01 } }
  search: { environments: { production: {} } }
`,
    'config/route.yaml': 'routes: []\n',
    'runbooks/disk.markdown': '',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  const loaded = await load();
  expect(loaded).toMatchObject({ ok: true, config: { services: { checkout: {} } } });
  const warnings = loaded.ok ? loaded.warnings.map((line) => line.replaceAll(`${dir}/`, '')) : [];
  expect(warnings).toEqual(
    expect.arrayContaining([
      'config/route.yaml:1: warning: Firebreak does not read this (did you mean "routes.yaml"?)',
      'runbooks/disk.markdown:1: warning: Firebreak does not read this (did you mean "disk.md"?)',
      expect.stringMatching(/^config\/services\.yaml:3: warning: .*"serch".*did you mean "search"/),
      expect.stringMatching(/^config\/services\.yaml:5: warning: .*promql is not valid PromQL/),
    ]),
  );
  for (const warning of warnings) expect(warning).toContain(': warning: ');
});

test('a missing folder means defaults, without a warning', async () => {
  expect(await load()).toMatchObject({ ok: true, warnings: [expect.stringContaining('has no services')] });
});
