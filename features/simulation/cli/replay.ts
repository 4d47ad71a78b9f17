import type { Command } from 'commander';
import * as z from 'zod';
import { DecisionView } from '../../../schemas/incidents/incident.ts';
import { Client } from '../../../cli/client.ts';
import { differences, type Inputs } from './decision-differences.ts';
import { incidentNamed, pathOf } from '../../../cli/incident-named.ts';
import { oneLine } from '../../../cli/table.ts';
import { CommandFailure, type CommandContext } from '../../../cli/command-context.ts';

const StoredDecision = z.object({ decision: DecisionView, inputs_json: z.string() });

export function addReplay(program: Command, context: CommandContext): void {
  program
    .command('replay')
    .description("Evaluate an incident's decisions again from their inputs; exits with 1 if any differs")
    .argument('<incident>', 'Channel (incident-2611201 or 2611201), id, or last characters of the id')
    .action((incident: string) => replay(context, incident));
}

async function replay(context: CommandContext, name: string): Promise<void> {
  const client = await Client.of(context);
  const { id, decisions } = await incidentNamed(client, name);
  const path = pathOf(id);
  let different = 0;
  for (const { id: decisionId } of decisions) {
    const number = Number(decisionId.slice(decisionId.lastIndexOf('-') + 1));
    const { decision, inputs_json: json } = await client.get(`${path}/decisions/${number}`, StoredDecision);
    const changed = differences(id, number, decision, JSON.parse(json) as Inputs);
    if (changed.length > 0) different += 1;
    context.out(
      `${changed.length === 0 ? 'same     ' : 'DIFFERENT'}  ${number}  ${decision.kind}  ${decision.because}`,
    );
    for (const difference of changed) context.out(oneLine(`           ${difference}`));
  }
  if (different > 0) throw new CommandFailure(`${different} of ${decisions.length} decisions differ`);
  context.out(`${decisions.length} decisions evaluated again: all the same`);
}
