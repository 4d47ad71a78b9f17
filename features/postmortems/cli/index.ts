import type { Command } from 'commander';
import type { CommandContext } from '../../../entrances/cli/command-context.ts';
import { addActionItems } from './action-items.ts';
import { addPostmortem } from './postmortem.ts';

/** Adds the commands for post-mortems and action items. */
export function addCommands(program: Command, incident: Command, context: CommandContext): void {
  addPostmortem(incident, context);
  addActionItems(program, context);
}
