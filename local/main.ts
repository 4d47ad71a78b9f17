import { flushCompileCache } from 'node:module';
import { stopWithParent } from './parent.ts';
import { startRuntime } from './runtime.ts';
import { readSettings } from './settings.ts';

const HELP = `npm start

Starts Firebreak on this machine, prints "firebreak ready on ADDRESS", and runs until Ctrl-C. It takes no arguments; the
environment says how it runs (docs/configuration.md):

  PORT                   8080
  HOST                   127.0.0.1
  FIREBREAK_DATA_DIR     .firebreak   what is kept between starts, its tokens included
  FIREBREAK_CONFIG_DIR   config
  FIREBREAK_RUNBOOKS_DIR runbooks
  FIREBREAK_SANDBOX      on           stand-ins for vendors without a credential; off: no stand-ins
  FIREBREAK_TIME_SCALE   1            60: waits pass 60 times as fast
  LOG_LEVEL              info         debug, info, warn, error, or silent`;

const args = process.argv.slice(2);
if (args.length > 0) {
  const isHelp = args.some((arg) => ['-h', '--help', 'help'].includes(arg));
  if (isHelp) console.log(HELP);
  else console.error(`npm start takes no arguments, and got ${args.join(' ')}\n\n${HELP}`);
  process.exit(isHelp ? 0 : 2);
}

// All that is written holds what only the owner may read, also in a data folder that others may enter.
process.umask(0o077);
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
