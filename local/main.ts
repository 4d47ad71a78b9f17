import { flushCompileCache } from 'node:module';
import { VARIABLE_NOTES } from '../schemas/config/variable-notes.ts';
import { namesIn, VARIABLES } from '../schemas/config/variables.ts';
import { stopWithParent } from './parent.ts';
import { startRuntime } from './runtime.ts';
import { readSettings } from './settings.ts';

/** Removes Markdown that a terminal does not render. */
const plain = (markdown: string): string => markdown.replaceAll(/ \(\[.*?\]\(.*?\)\)/g, '').replaceAll('`', '');

const HELP = `npm start

Starts Firebreak on this machine, prints "firebreak ready on ADDRESS", and runs until Ctrl-C. It takes no arguments.
Configure it with environment variables; docs/reference/environment.md lists all of them:

${namesIn('machine')
  .map((name) => {
    const defaultValue = String(VARIABLES[name].schema.parse(undefined));
    return `  ${name.padEnd(22)} ${defaultValue.padEnd(10)} ${plain(VARIABLE_NOTES[name].meaning)}`;
  })
  .join('\n')}`;

const args = process.argv.slice(2);
if (args.length > 0) {
  const isHelp = args.some((arg) => ['-h', '--help', 'help'].includes(arg));
  if (isHelp) console.log(HELP);
  else console.error(`npm start takes no arguments, but got ${args.join(' ')}\n\n${HELP}`);
  process.exit(isHelp ? 0 : 2);
}

// Make all files private, including those in a data folder that others can enter.
process.umask(0o077);
stopWithParent();

try {
  const settings = readSettings(process.env, process.cwd());
  const running = await startRuntime(settings, process.env);
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
  // Before the ready line: its reader may stop the process at once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0));
  running.failed.then(
    (error) => {
      console.error(`firebreak: ${error.message}`);
      stop(1);
    },
    () => stop(1),
  );
  for (const note of running.notes) console.log(`  ${note}`);
  console.log(`firebreak ready on ${running.url}`);
  flushCompileCache(); // a killed process leaves its cache to the next start too
} catch (error) {
  console.error(`firebreak could not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
