import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { recordedExpectation } from '../decisions/expectation.ts';
import { redacted } from '../../../core/domain/redaction/recording.ts';
import { RecordedIncident } from '../recording.ts';
import { Client } from '../../../entrances/cli/client.ts';
import { CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';
import { INCIDENT, incidentNamed, pathOf } from '../../../entrances/cli/incident-named.ts';
import { placeAfter } from '../../../entrances/cli/place-after.ts';
import { asJson } from '../../../entrances/cli/table.ts';

/** Adds the command that writes an incident as a test case of the policy, also beside `incident`. */
export function addIncidentExport(program: Command, context: CommandContext): void {
  const incident = program.commands.find((command) => command.name() === 'incident');
  if (incident === undefined) throw new Error('there is no command for incidents');
  for (const parent of [incident, program])
    parent
      .command('export')
      .description(
        parent === incident
          ? 'Export an incident as one file without people, addresses, and secrets, for firebreak test'
          : 'Same as incident export',
      )
      .argument(...INCIDENT)
      .option('--out <file>', 'Write this file. Default: print it')
      .action((name: string, options: { out?: string }) => exportIncident(context, name, options));
  placeAfter(incident, 'export', 'mark-wrong');
}

async function exportIncident(context: CommandContext, name: string, { out }: { out?: string }): Promise<void> {
  const client = await Client.of(context);
  const { id } = await incidentNamed(client, name);
  const recorded = redacted(await client.get(`${pathOf(id)}/recording`, RecordedIncident));
  const text = asJson({ ...recorded, expect: recordedExpectation(recorded) });
  if (out === undefined) return context.out(text);
  try {
    // Fails if the file exists, because its expectation may have been edited.
    await writeFile(resolve(context.cwd, out), `${text}\n`, { flag: 'wx' });
  } catch (error) {
    throw new CommandFailure(`cannot write ${out}: ${error instanceof Error ? error.message : String(error)}`);
  }
  context.out(`wrote ${out}. It expects what happened in the incident; edit "expect" to require something else`);
}
