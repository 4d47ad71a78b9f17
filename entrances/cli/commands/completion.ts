import { Argument, type Command } from 'commander';
import { completionScript, nodesOf, type Shell, SHELLS } from '../completion.ts';
import type { CommandContext } from '../command-context.ts';

export function addCompletion(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('Print a shell completion script')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => context.out(completionScript(shell, nodesOf(program))));
}
