import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../local/config-files.ts';

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-config-'))));
afterEach(() => rm(dir, { recursive: true }));

const services = (text: string) => writeFile(join(dir, 'services.yaml'), text);

async function problems(): Promise<string[]> {
  const loaded = await loadConfig(dir);
  return loaded.ok ? [] : loaded.problems.map((problem) => problem.replace(`${dir}/`, ''));
}

test('no file at all means the defaults: nothing is known, nothing is done', async () => {
  const loaded = await loadConfig(dir);
  expect(loaded).toMatchObject({ ok: true, config: { services: {}, paging: { quietHours: 12 } } });
});

test('of a service only its name is required, and an environment that names nothing never acts', async () => {
  await services('services:\n  checkout:\n  search:\n    environments:\n      production:\n');
  const loaded = await loadConfig(dir);
  expect(loaded).toMatchObject({
    ok: true,
    config: {
      services: {
        checkout: { environments: {} },
        search: { environments: { production: { autoRollback: { mode: 'shadow', unknownMigration: 'approve' } } } },
      },
    },
  });
});

test('the version is that of the content', async () => {
  await services('services: { checkout: {} }');
  const [first, again] = [await loadConfig(dir), await loadConfig(dir)];
  await services('services: { checkout: { tier: 1 } }');
  const other = await loadConfig(dir);
  if (!first.ok || !again.ok || !other.ok) throw new Error('all of them are right');
  expect(again.config.version).toBe(first.config.version);
  expect(other.config.version).not.toBe(first.config.version);
});

describe('what is wrong is told with file and line:', () => {
  test('an unknown key', async () => {
    await services('services:\n  checkout:\n    tier: 1\n    teem: payments\n');
    expect(await problems()).toEqual(['services.yaml:4: unknown key "teem" in services.checkout']);
  });

  test('a value that is none of those there are', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        autoRollback:\n          mode: yolo\n',
    );
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^services\.yaml:6: services\.checkout\.environments\.production\.autoRollback\.mode: .*"act"/,
      ),
    ]);
  });

  test('a deployer of a kind that there is not', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        deployer:\n          kind: ftp\n',
    );
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:[56]: services\.checkout\..*deployer/)]);
  });

  test('a URL that is none, deep in a union', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        deployer:\n          kind: http\n          url: cd.internal\n',
    );
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:7: .*url: an http or https URL/)]);
  });

  test('the same key twice', async () => {
    await services('services:\n  checkout: {}\n  checkout: {}\n');
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:3: .*unique/)]);
  });

  test('a tab where YAML takes none', async () => {
    await services('services:\n\tcheckout: {}\n');
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:2: .*[Tt]ab/)]);
  });

  test('every problem of every file', async () => {
    await services('services:\n  checkout:\n    tier: 9\n    teem: x\n');
    await writeFile(join(dir, 'paging.yaml'), 'quietHours: never\n');
    expect(await problems()).toEqual([
      expect.stringMatching(/^services\.yaml:3: services\.checkout\.tier/),
      'services.yaml:4: unknown key "teem" in services.checkout',
      expect.stringMatching(/^paging\.yaml:1: quietHours/),
    ]);
  });
});
