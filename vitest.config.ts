import { defineConfig } from 'vitest/config';
import { stopWithParent } from './local/parent.ts';

stopWithParent();

/** The kinds of tests, each with its own command in package.json; CONTRIBUTING.md says what each is for. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2, // a file may start a whole product with children of its own
    testTimeout: 30_000,
    hookTimeout: 30_000,
    setupFiles: ['./test/setup.ts'],
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'test',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/kill/full/**'],
        },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 60_000 },
      },
      {
        extends: true,
        test: { name: 'kill', include: ['test/kill/full/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 60_000 },
      },
    ],
  },
});
