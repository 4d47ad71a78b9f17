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
import { Client, NoResponse, queryOf } from '../../client.ts';
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

type ConfirmOptions = { plan?: true; yes?: true; wait: boolean; json?: true };

type RunOptions = ConfirmOptions & {
  service?: string;
  environment?: string;
  incident?: string;
  input?: string[];
};

const POLL_INTERVAL_MS = 1000;

/** How long to retry while Firebreak does not respond. A restart takes less. */
const OUTAGE_MAX_MS = 60_000;

const CONFIRM_OPTIONS = [
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
    .option('--input <name=value>', 'Input of the runbook (repeatable)', collectInputs);
  for (const [flag, description] of CONFIRM_OPTIONS) run.option(flag, description);
  run.option(...JSON_OPTION).action((name: string, options: RunOptions) => start(context, name, options));
  const retry = runbooks
    .command('retry')
    .description('Continue a failed run from the failed step, after showing the plan')
    .argument('<run>', 'ID of the run, from "runbooks runs"');
  for (const [flag, description] of CONFIRM_OPTIONS) retry.option(flag, description);
  retry.option(...JSON_OPTION).action((id: string, options: ConfirmOptions) => retryRun(context, id, options));
  runbooks
    .command('runs')
    .description('List the newest runs, or show one run with its steps')
    .argument('[run]')
    .option('--incident <incident>', 'Only runs of this incident')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((id: string | undefined, options: { incident?: string; limit: number; json?: true }) =>
      id === undefined ? list(context, options) : showRun(context, id, options),
    );
}

function collectInputs(text: string, before: string[] | undefined): string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('use the form name=value.');
  return collectValues(text, before);
}

const pathOf = (name: string): string => `/v1/runbooks/${encodeURIComponent(name)}`;
const pathOfRun = (id: string): string => `/v1/runbooks/runs/${encodeURIComponent(id)}`;

async function show(context: CommandContext, name: string, { json }: { json?: true }): Promise<void> {
  const runbook = await (await Client.of(context)).get(pathOf(name), Runbook);
  if (json) return context.out(asJson(runbook));
  context.out(oneLine(`${runbook.title} (${runbook.name}, version ${runbook.version.slice(0, 12)}, ${runbook.file})`));
  const scopes = [...(runbook.services ?? []), ...(runbook.environments ?? [])];
  if (scopes.length > 0) context.out(oneLine(`only for ${scopes.join(', ')}`));
  const inputs = Object.entries(runbook.inputs).map(
    ([input, { type, default: defaultValue, required, description = '' }]) => [
      input,
      type,
      required ? 'required' : JSON.stringify(defaultValue),
      description,
    ],
  );
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
  refusePlanWithYes(options);
  const { service, environment, incident, input = [] } = options;
  if ((service === undefined) === (incident === undefined))
    throw new UsageError('specify either --service or --incident');
  const client = await Client.of(context);
  const runbook = await client.get(pathOf(name), Runbook);
  const incident_id = incident === undefined ? undefined : (await incidentNamed(client, incident)).id;
  const request = { service, environment, incident_id, inputs: inputsOf(runbook, input) };
  const path = `${pathOf(name)}/runs`;
  const plan = await client.post(path, { ...request, plan: true }, RunPlan);
  if (!(await confirmPlan(context, plan, options))) return;
  await follow(context, client, await client.create(path, { ...request, version: plan.version }, RunView), options);
}

async function retryRun(context: CommandContext, id: string, options: ConfirmOptions): Promise<void> {
  refusePlanWithYes(options);
  const client = await Client.of(context);
  const path = `${pathOfRun(id)}/actions/retry`;
  const plan = await client.post(path, { plan: true }, RunPlan);
  if (!(await confirmPlan(context, plan, options))) return;
  // Needs no version: a retry keeps that of the failed run.
  await follow(context, client, await client.create(path, {}, RunView), options);
}

function refusePlanWithYes({ plan, yes }: ConfirmOptions): void {
  if (plan && yes) throw new UsageError('--plan and --yes cannot be combined');
}

/** Converts inputs to the types that the runbook declares. @throws UsageError for an unknown input or a wrong type */
function inputsOf({ name: runbook, inputs }: Runbook, texts: readonly string[]): InputValues {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
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

/** Prints the plan, and asks the person at the terminal for confirmation. Returns whether to start the run. */
async function confirmPlan(
  context: CommandContext,
  plan: RunPlan,
  { plan: planOnly, yes, json }: ConfirmOptions,
): Promise<boolean> {
  if (planOnly && json) context.out(asJson(plan));
  else for (const line of planLines(plan)) (planOnly ? context.out : context.err)(oneLine(line));
  const refused = plan.refused.map(({ text }) => text);
  if (refused.length > 0) throw new CommandFailure(`cannot start the runbook: ${refused.join('; ')}`);
  if (planOnly) return false;
  if (yes) return true;
  if (context.ask === undefined)
    throw new UsageError('no terminal for confirmation: use --yes to start, or --plan to see the plan');
  if (!/^\s*y(es)?\s*$/i.test(await context.ask('Start it? [y/N] '))) throw new CommandFailure('canceled');
  return true;
}

function planLines(plan: RunPlan): string[] {
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
  const { id, does, target, changes_production: changes, when, approval, reasons, inverse, done } = step;
  if (done) return [`${number}. ${id}: done by the earlier run`];
  const why = reasons.map(({ text }) => text).join('; ');
  return [
    `${number}. ${id}: ${does}${target === null ? '' : ` (${target})`}`,
    ...when.map((condition) => `   only when ${condition}`),
    ...(approval === null ? [] : [`   approval: ${approverText(approval)}${why === '' ? '' : `: ${why}`}`]),
    ...(approval === null && why !== '' ? [`   skipped: ${why}`] : []),
    ...(changes ? [`   changes production; ${inverse === null ? 'cannot be undone' : `undone by ${inverse}`}`] : []),
  ];
}

function approverText({ needed, given, people }: NonNullable<PlanStep['approval']>): string {
  const missing = needed - given.length;
  const approver = people === null ? (given.length > 0 ? 'another person' : 'a person') : people.join(', ');
  return missing > 1 ? `${missing} of ${people === null ? 'the permitted approvers' : approver}` : approver;
}

async function follow(
  context: CommandContext,
  client: Client,
  started: RunView,
  { wait, json }: ConfirmOptions,
): Promise<void> {
  if (!wait) return context.out(json ? asJson(started) : `run ${started.id} started`);
  context.err(`run ${started.id} started`);
  const ended = await followToEnd(context, client, started);
  if (json) context.out(asJson(ended));
  reportOutcome(context, ended);
}

function reportOutcome(context: CommandContext, { id, status, text }: RunView): void {
  const line = oneLine(text ?? status);
  if (status === 'finished') context.err(line);
  else throw new CommandFailure(`${line}${status === 'failed' ? `\nTo continue: firebreak runbooks retry ${id}` : ''}`);
}

/** Prints each step once in each state until the run has ended. */
async function followToEnd(context: CommandContext, client: Client, started: RunView): Promise<RunView> {
  const printed = new Set<string>();
  let lastResponseAt = Date.now();
  for (let run = started; ;) {
    for (const { id, status, detail } of run.steps) {
      const key = `${id} ${status}`;
      if (status === 'pending' || status === 'running' || printed.has(key)) continue;
      printed.add(key);
      context.err(oneLine(`${status.padEnd(9)} ${id}${detail === '' ? '' : `: ${detail}`}`));
      if (status === 'waiting') context.err(approveCommand(run, id));
    }
    if (run.status !== 'running') return run;
    await sleep(POLL_INTERVAL_MS);
    try {
      run = await client.get(pathOfRun(started.id), RunView);
      lastResponseAt = Date.now();
    } catch (error) {
      if (!(error instanceof NoResponse)) throw error;
      if (Date.now() - lastResponseAt > OUTAGE_MAX_MS)
        throw new CommandFailure(
          `${error.message}\nThe run continues when Firebreak is back. To see it: firebreak runbooks runs ${started.id}`,
        );
    }
  }
}

/** Returns the command that approves a step. `r2.3` is step 3 of run 2 of the incident. */
function approveCommand({ id, steps }: RunView, step: string): string {
  const { incident, number } = partsOfRun(RunId.parse(id));
  const stepNumber = steps.findIndex((candidate) => candidate.id === step) + 1;
  return `          firebreak incident approve ${incident} r${number}.${stepNumber}`;
}

async function list(
  context: CommandContext,
  { incident, limit, json }: { incident?: string; limit: number; json?: true },
): Promise<void> {
  const client = await Client.of(context);
  const incidentId = incident === undefined ? undefined : (await incidentNamed(client, incident)).id;
  const runs = await client.get(`/v1/runbooks/runs${queryOf({ incident: incidentId, limit })}`, Runs);
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

async function showRun(context: CommandContext, id: string, { json }: { json?: true }): Promise<void> {
  const run = await (await Client.of(context)).get(pathOfRun(id), RunView);
  if (json) return context.out(asJson(run));
  context.out(oneLine(`${run.title} (${run.runbook}), ${run.service} in ${run.environment}: ${run.status}`));
  context.out(oneLine(`started ${shortTime(run.started_at)} by ${run.by ?? 'alerts'}, incident ${run.incident_id}`));
  if (run.retry_of !== null) context.out(`continues run ${run.retry_of}`);
  if (run.text !== null) context.out(oneLine(run.text));
  const rows = run.steps.map((step) => [step.id, step.uses, step.status, step.detail]);
  context.out(`\n${table(['STEP', 'USES', 'STATUS', 'DETAIL'], rows)}`);
  for (const step of run.steps) if (step.status === 'waiting') context.out(approveCommand(run, step.id).trim());
}
