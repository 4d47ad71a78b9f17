import { flushCompileCache } from 'node:module';
import { stopWithParent } from './parent.ts';
import { startRuntime } from './runtime.ts';
import { readSettings } from './settings.ts';

stopWithParent();

try {
  const settings = readSettings(process.env, process.cwd());
  const running = await startRuntime(settings, process.env);
  for (const note of running.notes) console.log(`  ${note}`);
  console.log(`firebreak ready on ${running.url}`);
  flushCompileCache(); // what ends by a kill leaves it to the next start, too

  let stopping = false;
  const stop = (code: number) => {
    if (stopping) return;
    stopping = true;
    running.stop().then(
      () => process.exit(code),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0));
  running.failed.then(
    (error) => {
      console.error(`firebreak: ${error.message}`);
      stop(1);
    },
    () => stop(1),
  );
} catch (error) {
  console.error(`firebreak could not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
