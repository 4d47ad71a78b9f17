import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { verify } from '../../../local/backup/archive.ts';
import { at, cli } from '../../entrances/cli/support.ts';
import { Firebreak } from '../../support/firebreak.ts';
import { finishThree, openThree, OPTIONS } from '../support/upgrade-story.ts';

/** Data folders of earlier versions with three open incidents. CONTRIBUTING.md describes how to add one. */
const ARCHIVES = join(import.meta.dirname, '../../fixtures/upgrade');
const names = readdirSync(ARCHIVES)
  .filter((name) => name.endsWith('.tar.gz'))
  .map((name) => basename(name, '.tar.gz'));

/** The name of the running version, to record it. Nothing is tested then. */
const recorded = process.env['RECORD_UPGRADE'];

const started: Firebreak[] = [];
afterAll(async () => {
  for (const firebreak of started) await firebreak.remove();
});

test.runIf(recorded !== undefined)('records a data folder', async () => {
  const firebreak = await Firebreak.start(OPTIONS);
  started.push(firebreak);
  const token = await openThree(firebreak);
  const done = await cli(['backup', join(ARCHIVES, `${recorded}.tar.gz`), '--data-dir', firebreak.dataDir]);
  expect(done).toMatchObject({ code: 0 });
  await writeFile(join(ARCHIVES, `${recorded}.json`), `${JSON.stringify({ token })}\n`);
});

describe.runIf(recorded === undefined)('an upgrade with open incidents', () => {
  test('there are versions to upgrade from', () => expect(names.length).toBeGreaterThan(0));

  test.concurrent.each(names)('from %s: each incident continues, and nothing is lost or done twice', async (name) => {
    const archive = join(ARCHIVES, `${name}.tar.gz`);
    const dir = await mkdtemp(join(tmpdir(), 'firebreak-upgrade-'));
    let firebreak: Firebreak | undefined;
    try {
      const { token } = JSON.parse(await readFile(join(ARCHIVES, `${name}.json`), 'utf8'));
      const dataDir = join(dir, 'data');
      expect(await cli(['restore', archive, '--data-dir', dataDir, '--no-pause'])).toMatchObject({ code: 0 });
      // Set the clock to the time of the archive, so that nothing in it is overdue.
      const ahead = (Date.parse((await verify(archive)).at) - Date.now()) / 1000;
      const clock = join(dir, 'clock');
      await writeFile(clock, String(ahead));
      await mkdir(dataDir, { recursive: true });
      firebreak = await Firebreak.prepare({
        ...OPTIONS,
        dataDir,
        nodeArgs: ['--import', new URL('../../kill/clock.ts', import.meta.url).href],
        env: { FIREBREAK_KILL_CLOCK: clock },
      });
      await firebreak.start();
      const read = await firebreak.request('GET', '/v1/incidents', undefined, { authorization: `Bearer ${token}` });
      expect(read.status).toBe(200);
      await finishThree(firebreak, () => new Date(Date.now() + ahead * 1000));
      expect(await at(firebreak, 'audit')).toMatchObject({ code: 0 });
    } finally {
      // It writes into the folder until it ends.
      await firebreak?.remove();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
