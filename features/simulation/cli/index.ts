import type { Command } from 'commander';
import type { CommandContext } from '../../../entrances/cli/command-context.ts';
import { addIncidentExport } from './incident-export.ts';
import { addReplay } from './replay.ts';
import { addSimulate } from './simulate.ts';
import { addTest } from './test-incidents.ts';

/** Adds the commands that evaluate recorded incidents again. */
export function addSimulation(program: Command, context: CommandContext): void {
  addIncidentExport(program, context);
  addReplay(program, context);
  addSimulate(program, context);
  addTest(program, context);
}
