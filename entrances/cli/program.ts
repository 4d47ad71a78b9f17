import { Command, CommanderError } from 'commander';
import { printable } from '../../core/domain/messages/printable.ts';
import manifest from '../../package.json' with { type: 'json' };
import { addAudit } from './commands/audit.ts';
import { addAutomation } from './commands/automation.ts';
import { addBackup } from './commands/backup.ts';
import { FEATURES } from '../../features/index.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addDeploy } from './commands/changes/deploy.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDrill } from './commands/drill.ts';
import { addIncident } from './commands/incidents/incident.ts';
import { addInit } from './commands/init/init.ts';
import { addPins } from './commands/changes/pins.ts';
import { addQuarantine } from './commands/quarantine.ts';
import { addQueues } from './commands/queues.ts';
import { addReport } from './commands/reports/report.ts';
import { addRunbooks } from './commands/runbooks/runbooks.ts';
import { addSend } from './commands/send.ts';
import { addTail } from './commands/incidents/tail.ts';
import { addToken } from './commands/token.ts';
import { UsageError, CommandFailure, type CommandContext, type Terminal } from './command-context.ts';
import { ErrorResponse } from './client.ts';
import { loadConfig, loadRunbooks, loadServices } from './files.ts';
import { placeAfter } from './place-after.ts';

/** Commands in the order of the help, where features may move theirs. */
const COMMANDS: readonly ((program: Command, context: CommandContext) => void)[] = [
  addInit,
  addCheck,
  addDoctor,
  addSend,
  addTail,
  addIncident,
  addDeploy,
  addDrill,
  ...(await Promise.all(FEATURES.flatMap(({ commands }) => commands?.() ?? []))),
  addAutomation,
  addPins,
  addQuarantine,
  addQueues,
  addReport,
  addRunbooks,
  addAudit,
  addBackup,
  addToken,
  addCompletion,
];

const AFTER_HELP = `
Commands that call a running Firebreak use FIREBREAK_URL and FIREBREAK_TOKEN. On the same machine, they fall back to the
address and the admin token in its data folder.

Exit codes: 0 success; 1 failure or negative answer, such as not found or not allowed; 2 usage error, also one that
Firebreak finds, such as an invalid value (400 or 422).`;

/** Runs one command. @returns the exit code: 0 success, 1 failure or negative answer, 2 usage error */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const context: CommandContext = {
    ...withPrintableOutput(terminal),
    outPainted: terminal.out,
    files: { loadConfig, loadRunbooks, loadServices },
  };
  const program = new Command('firebreak')
    .description('Command line of Firebreak, which turns alerts into action')
    .version(manifest.version, '-V, --version', 'Show the version')
    .helpOption('-h, --help', 'Show help for the command')
    .helpCommand('help [command]', 'Show help for a command')
    .addHelpText('after', AFTER_HELP)
    .showSuggestionAfterError()
    .enablePositionalOptions() // lets a command have its own --version
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: (text) => context.err(text.trimEnd()),
    });
  for (const addCommand of COMMANDS) addCommand(program, context);
  for (const { commandsAfter = {} } of FEATURES)
    for (const [name, other] of Object.entries(commandsAfter)) placeAfter(program, name, other);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed the error. A request for help succeeds; a missing command is a usage error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CommandFailure) context.err(error.message);
    else if (error instanceof UsageError) context.err(`${error.message}\nFor usage: firebreak --help`);
    else if (error instanceof Error) context.err(error.stack ?? error.message);
    else throw error;
    return error instanceof UsageError || (error instanceof ErrorResponse && error.isUsageError) ? 2 : 1;
  }
}

/** Makes all output printable, because titles, labels, names, and errors come from untrusted sources. */
const withPrintableOutput = (context: Terminal): Terminal => {
  const { ask } = context;
  return {
    ...context,
    out: (text) => context.out(printable(text)),
    err: (text) => context.err(printable(text)),
    ...(ask && { ask: (question) => ask(printable(question)) }),
  };
};
