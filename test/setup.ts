import * as fc from 'fast-check';
import { afterAll, expect } from 'vitest';
import { stopWithParent } from '../local/parent.ts';
import { runs } from './support/runs.ts';

declare global {
  /** Several files may run in one process, and each of them runs this set-up. */
  var stopsWithRunner: true | undefined;
  var nativeResponse: typeof Response | undefined;
}

/** Uses the same cases in each run, so that failures are reproducible. `FIREBREAK_SEED` generates other cases. */
fc.configureGlobal({ seed: Number(process.env['FIREBREAK_SEED'] ?? 1), numRuns: runs(50) });

if (globalThis.stopsWithRunner === undefined) {
  stopWithParent(); // a hanging test, and the product that it started, must not outlive a killed runner
  globalThis.stopsWithRunner = true;
}

// `serve` of @hono/node-server replaces global objects unless `overrideGlobalObjects` is false, and breaks the servers of later files.
globalThis.nativeResponse ??= Response;
afterAll(() => {
  expect(Response).toBe(globalThis.nativeResponse);
});
