import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addAudit } from './commands/audit.ts';
import { addAutomation } from './commands/automation.ts';
import { addBackup } from './commands/backup.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addDeploy } from './commands/deploy.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDrill } from './commands/drill.ts';
import { addFreeze } from './commands/freeze.ts';
import { addIncident } from './commands/incident.ts';
import { addPins } from './commands/pins.ts';
import { addQuarantine } from './commands/quarantine.ts';
import { addReplay } from './commands/replay.ts';
import { addReport } from './commands/report.ts';
import { addRunbooks } from './commands/runbooks.ts';
import { addSlo } from './commands/slo.ts';
import { addToken } from './commands/token.ts';
import { printing } from './printable.ts';
import { Misused, No, type World } from './world.ts';

/** Each adds itself with what it takes; the help is made of them, in this order. */
const COMMANDS: readonly ((program: Command, world: World) => void)[] = [
  addCheck,
  addDoctor,
  addIncident,
  addDeploy,
  addDrill,
  addFreeze,
  addAutomation,
  addPins,
  addQuarantine,
  addReplay,
  addReport,
  addRunbooks,
  addSlo,
  addAudit,
  addBackup,
  addToken,
  addCompletion,
];

const AFTER_HELP = `
What speaks to a running Firebreak finds it at FIREBREAK_URL (http://127.0.0.1:8080), with FIREBREAK_TOKEN, or on this
machine with the admin token of its data folder.

Exit codes: 0 fine, 1 no, 2 called wrongly.`;

/** Runs one command. @returns the exit code: 0 fine, 1 no, 2 called wrongly */
export async function run(args: readonly string[], outside: World): Promise<number> {
  const world = printing(outside);
  const program = new Command('firebreak')
    .description('Firebreak turns alerts into action: this is its command line')
    .version(manifest.version)
    .addHelpText('after', AFTER_HELP)
    .showSuggestionAfterError()
    .enablePositionalOptions() // so that a command may have a --version of its own
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out(text.trimEnd()),
      writeErr: (text) => world.err(text.trimEnd()),
    });
  for (const add of COMMANDS) add(program, world);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has said it already. To ask for help is no mistake, to name no command is one.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof No) world.err(error.message);
    else if (error instanceof Misused) world.err(`${error.message}\nfirebreak --help tells how it is called`);
    else if (error instanceof Error) world.err(error.stack ?? error.message);
    else throw error;
    return error instanceof Misused ? 2 : 1;
  }
}
