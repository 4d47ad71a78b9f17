import { Argument, type Command } from 'commander';
import { completionScript, nodesOf, type Shell, SHELLS } from '../completion.ts';
import type { World } from '../world.ts';

export function addCompletion(program: Command, world: World): void {
  program
    .command('completion')
    .description('Print a shell completion script')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => world.out(completionScript(shell, nodesOf(program))));
}
