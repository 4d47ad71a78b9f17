import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LoadedSet } from '../../../local/config/config-set.ts';
import { watchConfig } from '../../../local/config/config-watch.ts';
import { eventually } from '../../support/firebreak.ts';

let dir: string;
let watch: { stop(): void };
let loaded: LoadedSet[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-watch-'));
  loaded = [];
  watch = watchConfig(
    { configDir: dir, runbooksDir: join(dir, 'runbooks') },
    async (set) => void loaded.push(set),
    (error) => expect.unreachable(String(error)),
  );
});
afterEach(async () => {
  watch.stop();
  await rm(dir, { recursive: true });
});

/** Writes different text each time: a file from before the first look does not count as changed. */
const taken = (file: string, text: string): Promise<LoadedSet> => {
  let comment = '#';
  return eventually(async () => {
    comment += '#';
    // Renamed, or the folder could be read while the file is empty.
    await writeFile(join(dir, '.next'), `${text}\n${comment}\n`);
    await rename(join(dir, '.next'), join(dir, file));
    return loaded.at(-1);
  }, `a change of ${file}`);
};

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
    problems: [expect.stringMatching(/slos\/a\.yaml:1: "apiVersion" is missing/)],
  });
});
