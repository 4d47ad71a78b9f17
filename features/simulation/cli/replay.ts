import type { Command } from 'commander';
import * as z from 'zod';
import { DecisionView } from '../../../schemas/incidents/incident.ts';
import { Client } from '../../../entrances/cli/client.ts';
import { INCIDENT, incidentNamed, pathOf } from '../../../entrances/cli/incident-named.ts';
import { oneLine } from '../../../entrances/cli/table.ts';
import { CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';
import type { DecisionInputs } from '../../../core/domain/rollback/judgement.ts';
import { DECIDE_VERSION } from '../../../core/domain/rollback/guards.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { type QuestionInputs, approvalReasons } from '../../../core/domain/runbooks/permission.ts';
import { canonicalJson, sha256 } from '../../../entrances/cli/hash.ts';

const StoredDecision = z.object({ decision: DecisionView, inputs_json: z.string() });

export function addReplay(program: Command, context: CommandContext): void {
  program
    .command('replay')
    .description("Evaluate an incident's decisions again from their inputs; exits with 1 if any differs")
    .argument(...INCIDENT)
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

/** Inputs of a rollback decision or of a runbook's approval. */
export type Inputs = DecisionInputs | QuestionInputs;

/** Evaluates a stored decision's inputs again and returns the differences. Empty: the same decision. */
export function differences(incident: string, number: number, stored: DecisionView, inputs: Inputs): string[] {
  return 'guards' in inputs
    ? fieldDifferences(
        { kind: 'approve', reasons: approvalReasons(inputs) },
        { kind: stored.kind, reasons: stored.reasons },
      )
    : decisionDifferences(incident, number, stored, inputs);
}

function decisionDifferences(incident: string, number: number, stored: DecisionView, inputs: DecisionInputs): string[] {
  const decision = decide(inputs);
  const { kind, reasons, from, to, target } = decision;
  const storedFields = { kind: stored.kind, reasons: stored.reasons };
  const change = { from: stored.from_version, to: stored.to_version, target: stored.target };
  // If a person chose one of several offers, target and versions were set after the evaluation.
  const changed = fieldDifferences(
    { kind, reasons, from, to, target },
    stored.chosen === undefined ? { ...storedFields, ...change } : storedFields,
  );
  const digest = sha256(canonicalJson({ id: incident, number, decision, inputs }));
  if (changed.length === 0 && digest !== stored.digest)
    changed.push('digest: fields that are not shown (suspects, onset) differ, or the inputs were altered');
  const { decide_version: version } = inputs;
  return changed.length === 0 || version === DECIDE_VERSION
    ? changed
    : [...changed, `made by version ${version} of the rules; this is version ${DECIDE_VERSION}`];
}

const fieldDifferences = (again: Record<string, unknown>, stored: Record<string, unknown>): string[] =>
  Object.keys(stored)
    .filter((name) => canonicalJson(again[name]) !== canonicalJson(stored[name]))
    .map((name) => `${name}: ${canonicalJson(stored[name])} then, ${canonicalJson(again[name])} now`);
