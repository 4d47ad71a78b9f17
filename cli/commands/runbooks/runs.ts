import { numberIn } from '../../../domain/runbooks/numbers.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { didYouMean } from '../../../domain/runbooks/similar-names.ts';
import { Input } from '../../../schemas/runbooks/parts/inputs.ts';
import {
  type InputValues,
  partsOfRun,
  type PlanStep,
  RunId,
  RunPlan,
  RunView,
} from '../../../schemas/runbooks/parts/runs.ts';
import { Client, NoAnswer, queryOf } from '../../client.ts';
import { incidentNamed } from '../../incident-named.ts';
import { JSON_OPTION, LIMIT_OPTION, collectValues } from '../../options.ts';
import { asJson, oneLine, shortTime, table } from '../../table.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../command-context.ts';

const Runbook = z.looseObject({
  name: z.string(),
  title: z.string(),
  file: z.string(),
  version: z.string(),
  services: z.array(z.string()).nullable(),
  environments: z.array(z.string()).nullable(),
  inputs: z.record(z.string(), Input),
  steps: z.array(
    z.looseObject({
      id: z.string(),
      uses: z.string(),
      changes_production: z.boolean(),
      approval: z.boolean(),
      name: z.string(),
    }),
  ),
  text: z.string(),
});
type Runbook = z.infer<typeof Runbook>;

const Runs = z.object({ items: z.array(RunView), next_cursor: z.string().nullable() });

type Confirm = { plan?: true; yes?: true; wait: boolean; json?: true };

type RunOptions = Confirm & {
  service?: string;
  environment?: string;
  incident?: string;
  input?: string[];
};

const LOOK_EVERY_MS = 1000;

/** How long to retry while Firebreak does not respond. A restart takes less. */
const PATIENCE_MS = 60_000;

const CONFIRM = [
  ['--plan', 'Only show the plan'],
  ['--yes', 'Start without confirmation'],
  ['--no-wait', 'Do not wait for the run to finish'],
] as const;

/** Adds the commands that call a running Firebreak. */
export function addRunbookRuns(runbooks: Command, context: CommandContext): void {
  runbooks
    .command('show')
    .description('Show a runbook of the running Firebreak: inputs, steps, and text')
    .argument('<name>')
    .option(...JSON_OPTION)
    .action((name: string, options: { json?: true }) => show(context, name, options));
  const run = runbooks
    .command('run')
    .description('Start a runbook after showing its plan')
    .argument('<name>')
    .option('--service <name>', 'Service to act on')
    .option('--environment <name>', "Environment (default: the service's default)")
    .option('--incident <incident>', 'Incident that the run belongs to, instead of service and environment')
    .option('--input <name=value>', 'Input of the runbook (repeatable)', severalInputs);
  for (const [flag, description] of CONFIRM) run.option(flag, description);
  run.option(...JSON_OPTION).action((name: string, options: RunOptions) => start(context, name, options));
  const retry = runbooks
    .command('retry')
    .description('Continue a failed run from the failed step, after showing the plan')
    .argument('<run>', 'ID of the run, from "runbooks runs"');
  for (const [flag, description] of CONFIRM) retry.option(flag, description);
  retry.option(...JSON_OPTION).action((id: string, options: Confirm) => retryRun(context, id, options));
  runbooks
    .command('runs')
    .description('List the newest runs, or show one run with its steps')
    .argument('[run]')
    .option('--incident <incident>', 'Only runs of this incident')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((id: string | undefined, options: { incident?: string; limit: number; json?: true }) =>
      id === undefined ? list(context, options) : one(context, id, options),
    );
}

function severalInputs(text: string, before: string[] | undefined): string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('use the form name=value.');
  return collectValues(text, before);
}

const pathOf = (name: string): string => `/v1/runbooks/${encodeURIComponent(name)}`;
const pathOfRun = (id: string): string => `/v1/runbooks/runs/${encodeURIComponent(id)}`;

async function show(context: CommandContext, name: string, { json }: { json?: true }): Promise<void> {
  const runbook = await (await Client.of(context)).get(pathOf(name), Runbook);
  if (json) return context.out(asJson(runbook));
  context.out(oneLine(`${runbook.title} (${runbook.name}, version ${runbook.version.slice(0, 12)}, ${runbook.file})`));
  const only = [...(runbook.services ?? []), ...(runbook.environments ?? [])];
  if (only.length > 0) context.out(oneLine(`only for ${only.join(', ')}`));
  const inputs = Object.entries(runbook.inputs).map(([input, { type, default: usual, required, description = '' }]) => [
    input,
    type,
    required ? 'required' : JSON.stringify(usual),
    description,
  ]);
  if (inputs.length > 0) context.out(`\n${table(['INPUT', 'TYPE', 'DEFAULT', 'DESCRIPTION'], inputs)}`);
  const steps = runbook.steps.map((step) => [
    step.id,
    step.uses,
    step.changes_production ? 'changes production' : '',
    step.approval ? 'required' : '',
    step.name === step.id ? '' : step.name,
  ]);
  if (steps.length > 0) context.out(`\n${table(['STEP', 'USES', 'EFFECT', 'APPROVAL', 'NAME'], steps)}`);
  for (const line of runbook.text.trim().split('\n')) context.out(oneLine(line));
}

async function start(context: CommandContext, name: string, options: RunOptions): Promise<void> {
  refuseBoth(options);
  const { service, environment, incident, input = [] } = options;
  if ((service === undefined) === (incident === undefined))
    throw new UsageError('specify either --service or --incident');
  const client = await Client.of(context);
  const runbook = await client.get(pathOf(name), Runbook);
  const incident_id = incident === undefined ? undefined : (await incidentNamed(client, incident)).id;
  const wanted = { service, environment, incident_id, inputs: inputsOf(runbook, input) };
  const path = `${pathOf(name)}/runs`;
  const plan = await client.post(path, { ...wanted, plan: true }, RunPlan);
  if (!(await isConfirmed(context, plan, options))) return;
  await follow(context, client, await client.post(path, { ...wanted, version: plan.version }, RunView), options);
}

async function retryRun(context: CommandContext, id: string, options: Confirm): Promise<void> {
  refuseBoth(options);
  const client = await Client.of(context);
  const path = `${pathOfRun(id)}/actions/retry`;
  const plan = await client.post(path, { plan: true }, RunPlan);
  if (!(await isConfirmed(context, plan, options))) return;
  await follow(context, client, await client.post(path, {}, RunView), options);
}

function refuseBoth({ plan, yes }: Confirm): void {
  if (plan && yes) throw new UsageError('--plan and --yes cannot be combined');
}

/** Converts inputs to the types that the runbook declares. @throws UsageError for an unknown input or a wrong type */
function inputsOf({ name: runbook, inputs }: Runbook, texts: readonly string[]): InputValues {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      const [name, value] = [text.slice(0, at), text.slice(at + 1)];
      const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
      const suggestion = didYouMean(name, Object.keys(inputs));
      if (input === undefined)
        throw new UsageError(
          `runbook ${runbook} has no input "${name}"${suggestion === null ? '' : `; ${suggestion}`}`,
        );
      return [name, valueOf(name, value, input)];
    }),
  );
}

function valueOf(name: string, text: string, { type }: Input): string | number | boolean {
  if (type === 'string') return text;
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const number = numberIn(text);
  if (type !== 'boolean' && number !== undefined && (type === 'number' || Number.isInteger(number))) return number;
  throw new UsageError(`input "${name}" must be of type ${type}`);
}

/** Shows the plan and asks the person at the terminal for confirmation. */
async function isConfirmed(
  context: CommandContext,
  plan: RunPlan,
  { plan: only, yes, json }: Confirm,
): Promise<boolean> {
  if (only && json) context.out(asJson(plan));
  else for (const line of linesOf(plan)) (only ? context.out : context.err)(oneLine(line));
  const refused = plan.refused.map(({ text }) => text);
  if (refused.length > 0) throw new CommandFailure(`cannot start the runbook: ${refused.join('; ')}`);
  if (only) return false;
  if (yes) return true;
  if (context.ask === undefined)
    throw new UsageError('no terminal for confirmation: use --yes to start, or --plan to see the plan');
  if (!/^\s*y(es)?\s*$/i.test(await context.ask('Start it? [y/N] '))) throw new CommandFailure('canceled');
  return true;
}

function linesOf(plan: RunPlan): string[] {
  const inputs = Object.entries(plan.inputs).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    `${plan.title} (${plan.runbook}, version ${plan.version.slice(0, 12)})`,
    `target   ${plan.service} in ${plan.environment}`,
    `incident ${plan.incident_id ?? 'a new incident is opened'}`,
    ...(inputs.length > 0 ? [`inputs   ${inputs.join(', ')}`] : []),
    ...plan.steps.flatMap((step, index) => stepLines(step, index + 1)),
  ];
}

function stepLines(step: PlanStep, number: number): string[] {
  const { id, does, target, changes_production: changes, when, approval, reasons, inverse: back, done } = step;
  if (done) return [`${number}. ${id}: done by the earlier run`];
  const why = reasons.map(({ text }) => text).join('; ');
  return [
    `${number}. ${id}: ${does}${target === null ? '' : ` (${target})`}`,
    ...when.map((condition) => `   only when ${condition}`),
    ...(approval === null ? [] : [`   approval: ${approvalWords(approval)}${why === '' ? '' : `: ${why}`}`]),
    ...(approval === null && why !== '' ? [`   skipped: ${why}`] : []),
    ...(changes ? [`   changes production; ${back === null ? 'cannot be undone' : `undone by ${back}`}`] : []),
  ];
}

function approvalWords({ needed, given, people }: NonNullable<PlanStep['approval']>): string {
  const missing = needed - given.length;
  const approver = people === null ? (given.length > 0 ? 'another person' : 'a person') : people.join(', ');
  return missing > 1 ? `${missing} of ${people === null ? 'the permitted approvers' : approver}` : approver;
}

async function follow(context: CommandContext, client: Client, begun: RunView, { wait, json }: Confirm): Promise<void> {
  if (!wait) return context.out(json ? asJson(begun) : `run ${begun.id} started`);
  context.err(`run ${begun.id} started`);
  const ended = await followed(context, client, begun);
  if (json) context.out(asJson(ended));
  conclude(context, ended);
}

function conclude(context: CommandContext, { id, status, text }: RunView): void {
  const shown = oneLine(text ?? status);
  if (status === 'finished') context.err(shown);
  else
    throw new CommandFailure(`${shown}${status === 'failed' ? `\nTo continue: firebreak runbooks retry ${id}` : ''}`);
}

/** Prints each step once in each state until the run has ended. */
async function followed(context: CommandContext, client: Client, begun: RunView): Promise<RunView> {
  const printed = new Set<string>();
  let progressAt = Date.now();
  for (let run = begun; ;) {
    for (const { id, status, detail } of run.steps) {
      const key = `${id} ${status}`;
      if (status === 'pending' || status === 'running' || printed.has(key)) continue;
      printed.add(key);
      context.err(oneLine(`${status.padEnd(9)} ${id}${detail === '' ? '' : `: ${detail}`}`));
      if (status === 'waiting') context.err(waitsFor(run, id));
    }
    if (run.status !== 'running') return run;
    await sleep(LOOK_EVERY_MS);
    try {
      run = await client.get(pathOfRun(begun.id), RunView);
      progressAt = Date.now();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (Date.now() - progressAt > PATIENCE_MS)
        throw new CommandFailure(
          `${error.message}\nThe run continues when Firebreak is back. To see it: firebreak runbooks runs ${begun.id}`,
        );
    }
  }
}

function waitsFor({ id, steps }: RunView, step: string): string {
  const { incident, number } = partsOfRun(RunId.parse(id));
  const which = steps.findIndex((each) => each.id === step) + 1;
  return `          firebreak incident approve ${incident} r${number}.${which}`;
}

async function list(
  context: CommandContext,
  { incident, limit, json }: { incident?: string; limit: number; json?: true },
): Promise<void> {
  const client = await Client.of(context);
  const named = incident === undefined ? undefined : (await incidentNamed(client, incident)).id;
  const runs = await client.get(`/v1/runbooks/runs${queryOf({ incident: named, limit })}`, Runs);
  if (json) return context.out(asJson(runs));
  const rows = runs.items.map((run) => [
    run.id,
    run.runbook,
    `${run.service}/${run.environment}`,
    shortTime(run.started_at),
    run.by ?? 'alerts',
    run.status,
  ]);
  context.out(table(['RUN', 'RUNBOOK', 'SERVICE', 'STARTED', 'BY', 'STATUS'], rows));
}

async function one(context: CommandContext, id: string, { json }: { json?: true }): Promise<void> {
  const run = await (await Client.of(context)).get(pathOfRun(id), RunView);
  if (json) return context.out(asJson(run));
  context.out(oneLine(`${run.title} (${run.runbook}), ${run.service} in ${run.environment}: ${run.status}`));
  context.out(oneLine(`started ${shortTime(run.started_at)} by ${run.by ?? 'alerts'}, incident ${run.incident_id}`));
  if (run.retry_of !== null) context.out(`continues run ${run.retry_of}`);
  if (run.text !== null) context.out(oneLine(run.text));
  const rows = run.steps.map((step) => [step.id, step.uses, step.status, step.detail]);
  context.out(`\n${table(['STEP', 'USES', 'STATUS', 'DETAIL'], rows)}`);
  for (const step of run.steps) if (step.status === 'waiting') context.out(waitsFor(run, step.id).trim());
}
