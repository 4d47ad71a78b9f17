import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSet } from '../../../local/config/config-set.ts';

const ROOT = join(import.meta.dirname, '../../..');
const OF_SANDBOX = join(ROOT, 'packages/sandbox/services.yaml');

let dir: string;
let example: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-example-'));
  example = await readFile(join(ROOT, 'config/services.yaml'), 'utf8');
  await mkdir(join(dir, 'config'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Returns the catalogue in force with this file, in which there are no warnings. */
async function catalogueWith(text: string, inPlaceOfExample?: string): Promise<Record<string, any>> {
  await writeFile(join(dir, 'config/services.yaml'), text);
  const loaded = await loadSet({
    configDir: join(dir, 'config'),
    runbooksDir: join(dir, 'runbooks'),
    inPlaceOfExample,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  expect(loaded.warnings).toEqual([]);
  return loaded.config.services;
}

test('the example does nothing, and takes no coincidence for a reason to act', async () => {
  const { checkout } = await catalogueWith(example);
  const { autoRollback } = checkout.environments.production;
  expect(autoRollback).toMatchObject({ mode: 'shadow', unknownMigration: 'approve' });
  expect(autoRollback).not.toHaveProperty('evidence');
});

test('the sandbox replaces the example by the same one that acts, as long as it is unchanged', async () => {
  const withoutPolicy = ({ checkout }: Record<string, any>) => ({
    ...checkout,
    environments: { production: { ...checkout.environments.production, autoRollback: undefined } },
  });
  const shipped = await catalogueWith(example);
  const ofSandbox = await catalogueWith(example, OF_SANDBOX);
  expect(withoutPolicy(ofSandbox)).toEqual(withoutPolicy(shipped));
  expect(ofSandbox['checkout'].environments.production.autoRollback).toMatchObject({
    mode: 'act',
    unknownMigration: 'act',
    evidence: 'time',
  });
  expect(await catalogueWith(`${example}# ours\n`, OF_SANDBOX)).toEqual(shipped);
});
