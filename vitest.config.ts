import { defineConfig } from 'vitest/config';
import { accessSync, constants, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { stopWithParent } from './local/parent.ts';
import { compiled } from './scripts/setup.mjs';
import { KILLS, LONG, STORIES, TESTS } from './scripts/test-files.ts';

stopWithParent();

const MEMORY = '/dev/shm';
const MEMORY_MIN_BYTES = 2 ** 30;

/** A folder in memory for what tests write, where there is one with room; a `kill -9` takes nothing from it either. */
function temporary(): string {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MEMORY_MIN_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** The kinds of tests, each with its own command in package.json; CONTRIBUTING.md says what each is for. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 4, // of two processors: a file that starts a product waits for most of its time
    // Against hanging, and nothing else: a slow machine is no failure.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 120_000 } },
    globalSetup: ['./test/build.ts'],
    setupFiles: ['./test/setup.ts'],
    env: { TMPDIR: temporary(), NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? compiled },
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'test',
          include: TESTS,
          exclude: [...STORIES, ...LONG, ...KILLS],
          isolate: false, // files share a process and its modules: they put back what they change in it
        },
      },
      {
        extends: true,
        test: {
          name: 'stories',
          include: STORIES,
          maxConcurrency: 3, // in each of four files: limits of the product, in real time, are kept only if it gets to run
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: LONG,
          exclude: STORIES,
        },
      },
      {
        extends: true,
        test: {
          name: 'kill',
          include: KILLS,
          maxConcurrency: 4, // of two processors: a killed product waits for most of its time
        },
      },
    ],
  },
});
