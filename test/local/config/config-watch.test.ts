import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Blobs } from '../../../core/domain/ports/system.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { CONFIG_FILES } from '../../../local/config/catalogue-files.ts';
import type { LoadedSet } from '../../../local/config/config-set.ts';
import {
  fingerprint,
  lookForChanges,
  NOTHING_APPLIED,
  publish,
  published,
  watchConfig,
} from '../../../local/config/config-watch.ts';

let dir: string;
let loaded: LoadedSet[];
let look: () => Promise<void>;

const folders = () => ({ configDir: dir, runbooksDir: join(dir, 'runbooks') });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-watch-'));
  loaded = [];
  look = lookForChanges(folders(), async (set) => void loaded.push(set), await fingerprint(folders()));
});
afterEach(() => rm(dir, { recursive: true }));

const write = (file: string, text: string): Promise<void> => writeFile(join(dir, file), text);

async function taken(file: string, text: string): Promise<LoadedSet | undefined> {
  await write(file, text);
  await look();
  await look();
  return loaded.at(-1);
}

test('a changed freeze policy is loaded', async () => {
  expect(await taken('freeze.yaml', 'unknownService: deny')).toMatchObject({
    ok: true,
    config: { freeze: { unknownService: 'deny' } },
  });
});

test('a changed objective is loaded, also from a new folder', async () => {
  await mkdir(join(dir, 'slos/team'), { recursive: true });
  const text = [
    'apiVersion: openslo/v1',
    'kind: SLO',
    'metadata: { name: a }',
    'spec:',
    '  service: a',
    '  indicator: { spec: { thresholdMetric: { metricSource: { spec: { query: x } } } } }',
    '  objectives: [{ target: 0.9, op: lt, value: 1 }]',
  ].join('\n');
  expect(await taken('slos/team/a.yaml', text)).toMatchObject({ ok: true, config: { slos: [{ id: 'a' }] } });
});

test('an invalid one is reported', async () => {
  await mkdir(join(dir, 'slos'));
  expect(await taken('slos/a.yaml', 'kind: SLO')).toEqual({
    ok: false,
    problems: [expect.stringMatching(/slos\/a\.yaml:1: apiVersion: is required/)],
  });
});

test.each([...CONFIG_FILES, 'slos/a.yaml', 'runbooks/a.md'])(
  'an emptied %s is invalid, and what was published last stays in force',
  async (file) => {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    const blobs = new Map<string, Uint8Array>();
    const store = {
      get: async (key: string) => blobs.get(key),
      put: async (key: string, body: Uint8Array | string) => void blobs.set(key, Buffer.from(body)),
    } as unknown as Blobs;
    const at = timestamp(0);
    const valid = await taken('services.yaml', 'services: { checkout: null }\n');
    if (valid === undefined) throw new Error('the catalogue is valid');
    await publish(store, valid, at);
    const emptied = await taken(file, '');
    if (emptied === undefined) throw new Error('the file has changed');
    await publish(store, emptied, at);
    const inForce = await published(store);
    expect(inForce?.config.services).toHaveProperty('checkout');
    expect(inForce?.problems).toEqual([expect.stringMatching(file.endsWith('.md') ? 'no front matter' : 'is empty')]);
    expect(inForce?.problems).toEqual([expect.stringContaining(`${file}:1: `)]);
  },
);

test.each(['# nothing yet\n', '{}\n'])('a catalogue without services can be written as %j', async (text) => {
  await taken('services.yaml', 'services: { checkout: null }\n');
  expect(await taken('services.yaml', text)).toMatchObject({ ok: true, config: { services: {} } });
});

test('a file that an editor has emptied, and then writes, is loaded once it no longer changes', async () => {
  const catalogue = 'services: { checkout: null }\n';
  await taken('services.yaml', catalogue);
  await write('services.yaml', '');
  await look();
  await write('services.yaml', `${catalogue}# changed\n`);
  await look();
  expect(loaded).toHaveLength(1);
  await look();
  await look();
  expect(loaded).toHaveLength(2);
  expect(loaded.at(-1)).toMatchObject({ ok: true, config: { services: { checkout: expect.anything() } } });
});

test.each<[string, (file: string) => Promise<unknown>, RegExp]>([
  ['a folder', (file) => mkdir(file), /EISDIR/],
  ['a link to itself', (file) => symlink(file, file), /ELOOP/],
  ['a link to nothing', (file) => symlink('nothing.yaml', file), /ENOENT/],
])('%s in place of a file is reported, and the file is loaded once it is back', async (_, replace, code) => {
  const catalogue = 'services: { checkout: null }\n';
  await taken('services.yaml', catalogue);
  const file = join(dir, 'services.yaml');
  await rm(file);
  await replace(file);
  await look();
  await look();
  expect(loaded).toHaveLength(2);
  expect(loaded.at(-1)).toEqual({ ok: false, problems: [expect.stringMatching(code)] });
  expect(loaded.at(-1)).toMatchObject({ problems: [expect.stringContaining(file)] });
  await rm(file, { recursive: true });
  expect(await taken('services.yaml', catalogue)).toMatchObject({ ok: true });
});

test('a file in place of the folder of runbooks is reported', async () => {
  expect(await taken('runbooks', '')).toEqual({ ok: false, problems: [expect.stringContaining('ENOTDIR')] });
});

test('a missing file means defaults', async () => {
  await taken('services.yaml', 'services: { checkout: null }\n');
  await rm(join(dir, 'services.yaml'));
  await look();
  await look();
  expect(loaded.at(-1)).toMatchObject({ ok: true, config: { services: {} } });
});

test('a change that could not be applied is applied by the next look', async () => {
  let fails = true;
  look = lookForChanges(
    folders(),
    async (set) => {
      if (fails) throw new Error('the disk is full');
      loaded.push(set);
    },
    NOTHING_APPLIED,
  );
  await look();
  await expect(look()).rejects.toThrow('the disk is full');
  fails = false;
  await look();
  await look();
  expect(loaded).toHaveLength(1);
});

test('changes are found while Firebreak runs', async () => {
  const change = Promise.withResolvers<LoadedSet>();
  const watch = watchConfig(folders(), async (set) => change.resolve(set), change.reject, await fingerprint(folders()));
  await write('freeze.yaml', 'unknownService: deny');
  expect(await change.promise).toMatchObject({ ok: true, config: { freeze: { unknownService: 'deny' } } });
  watch.stop();
});
