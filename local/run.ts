import { flushCompileCache } from 'node:module';
import { VARIABLE_NOTES } from '../schemas/config/variable-notes.ts';
import { namesIn, VARIABLES } from '../schemas/config/variables.ts';
import { replaceGlobalObjects } from './front/front.ts';
import { stopWithParent } from './parent.ts';
import { startRuntime } from './runtime.ts';
import type { StartSandbox } from './sandbox.ts';
import { readSettings } from './settings.ts';
import { surviveLostOutput } from './unhandled.ts';

/** Removes Markdown that a terminal does not render. */
const plain = (markdown: string): string => markdown.replaceAll(/ \(\[[^[\]]*\]\([^()]*\)\)/g, '').replaceAll('`', '');

const HELP = `npm start

Starts Firebreak on this machine, prints "firebreak ready on ADDRESS", and runs until Ctrl-C. It takes no arguments.
Configure it with environment variables; docs/reference/environment.md lists all of them:

${namesIn('machine')
  .map((name) => {
    const defaultValue = String(VARIABLES[name].schema.parse(undefined));
    return `  ${name.padEnd(22)} ${defaultValue.padEnd(10)} ${plain(VARIABLE_NOTES[name].meaning)}`;
  })
  .join('\n')}`;

/**
 * Runs the product as a program: reads the environment, starts, prints where it listens, and stops with its signals.
 *
 * @param startSandbox absent: there are no stand-ins, and `FIREBREAK_SANDBOX=on` is an error
 */
export async function run(startSandbox?: StartSandbox): Promise<void> {
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
  surviveLostOutput(process.stdout, process.stderr);
  replaceGlobalObjects();

  try {
    if (startSandbox === undefined && process.env['FIREBREAK_SANDBOX'] === 'on')
      throw new Error('FIREBREAK_SANDBOX=on needs npm start in a clone; this is the product without a sandbox');
    const read = readSettings(process.env, process.cwd(), process.stderr.isTTY);
    const settings = { ...read, sandbox: read.sandbox && startSandbox !== undefined };
    const running = await startRuntime(settings, process.env, startSandbox);
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
}
