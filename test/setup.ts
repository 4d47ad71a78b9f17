import { stopWithParent } from '../local/parent.ts';

declare global {
  /** Files may share a process, and each of them runs this. */
  var stopsWithRunner: true | undefined;
}

if (globalThis.stopsWithRunner === undefined) {
  stopWithParent(); // a test that hangs must not outlive a runner that was killed, nor must the product it started
  globalThis.stopsWithRunner = true;
}
