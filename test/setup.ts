import * as fc from 'fast-check';
import { stopWithParent } from '../local/parent.ts';

declare global {
  /** Files may share a process, and each of them runs this. */
  var stopsWithRunner: true | undefined;
}

/** The same cases in each run: what fails has failed for whoever changed something. `FIREBREAK_SEED` finds others. */
fc.configureGlobal({ seed: Number(process.env['FIREBREAK_SEED'] ?? 1) });

if (globalThis.stopsWithRunner === undefined) {
  stopWithParent(); // a test that hangs must not outlive a runner that was killed, nor must the product it started
  globalThis.stopsWithRunner = true;
}
