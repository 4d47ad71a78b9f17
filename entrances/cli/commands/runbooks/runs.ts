import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { numberIn } from '../../../../core/domain/runbooks/numbers.ts';
import { type Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { nearest, suggestionText } from '../../../../schemas/parsing/similar-names.ts';
import { Input } from '../../../../schemas/runbooks/parts/inputs.ts';
import {
  type InputValues,
  partsOfRun,
  type PlanStep,
  RunId,
  RunPlan,
  RunView,
} from '../../../../schemas/runbooks/parts/runs.ts';
import { addApiCommands, apiCall, apiCommand, type Part, PLACE, sectionOf, tableOf } from '../../api-command.ts';
import { Client } from '../../client.ts';
import { incidentNamed } from '../../incident-named.ts';
import { JSON_OPTION, LIMIT_OPTION, collectValues } from '../../options.ts';
import { asJson, oneLine, shortTime } from '../../table.ts';
import { confirm, UsageError, CommandFailure, type CommandContext } from '../../command-context.ts';

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
  /** Absent from Firebreak 0.2.0 and older. */
  match: z.array(z.string()).optional(),
  severity: z.array(z.string()).nullish(),
  when: z.string().nullish(),
});
type Runbook = z.infer<typeof Runbook>;

const Runs = z.object({ items: z.array(RunView), next_cursor: z.string().nullable() });

type ConfirmOptions = { plan?: true; yes?: true; wait: boolean; json?: true };

type RunOptions = ConfirmOptions & {
  name: string;
  service?: string;
  environment?: string;
  incident?: string;
  input?: string[];
};

const CONFIRM_OPTIONS = [
  ['--plan', 'Only show the plan'],
  ['--yes', 'Start without confirmation'],
  ['--no-wait', 'Do not wait for the run to finish'],
  JSON_OPTION,
] as const;

/** Adds the commands that call a running Firebreak. */
export const addRunbookRuns = (runbooks: Command, context: CommandContext): void =>
  addApiCommands(runbooks, context, [
    apiCommand({
      usage: 'show <name>',
      description: 'Show a runbook of the running Firebreak: inputs, steps, and text',
      options: [JSON_OPTION],
      call: 'GET /v1/runbooks/:name',
      response: Runbook,
      print: runbookParts,
    }),
    {
      usage: 'run <name>',
      description: 'Start a runbook after showing its plan',
      options: [
        ['--service <name>', 'Service to act on'],
        ['--environment <name>', "Environment (default: the service's default)"],
        ['--incident <incident>', 'Incident that the run belongs to, instead of service and environment'],
        ['--input <name=value>', 'Input of the runbook (repeatable)', collectInputs],
        ...CONFIRM_OPTIONS,
      ],
      run: start,
    },
    {
      usage: 'retry',
      description: 'Continue a failed run from the failed step, after showing the plan',
      args: [['<run>', 'ID of the run, from "runbooks runs"']],
      options: CONFIRM_OPTIONS,
      run: retryRun,
    },
    {
      usage: 'runs [run]',
      description: 'List the newest runs, or show one run with its steps',
      options: [['--incident <incident>', 'Only runs of this incident'], LIMIT_OPTION, JSON_OPTION],
      resolve: { incident: async (client, name) => (await incidentNamed(client, name)).id },
      choose: ({ run: id }) => (id === undefined ? RUNS : RUN),
    },
  ]);

function collectInputs(text: string, before: string[] | undefined): string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('use the form name=value.');
  return collectValues(text, before);
}

const pathOf = (name: string): string => `/v1/runbooks/${encodeURIComponent(name)}`;
const pathOfRun = (id: string): string => `/v1/runbooks/runs/${encodeURIComponent(id)}`;

/** Returns what an alert must match. @example 'matches alerts with team="pay", tier="1", or with service="bank"' */
const matchLines = ({ match, severity, when }: Runbook): string[] => [
  ...(match === undefined
    ? []
    : [`matches ${match.some((one) => one === '') ? 'all alerts' : `alerts with ${match.join(', or with ')}`}`]),
  ...(severity ? [`only of severity ${severity.join(', ')}`] : []),
  ...(when ? [`only if ${when}`] : []),
];

const runbookParts = (runbook: Runbook): Part[] => {
  const scopes = [...(runbook.services ?? []), ...(runbook.environments ?? [])];
  return [
    `${runbook.title} (${runbook.name}, version ${runbook.version.slice(0, 12)}, ${runbook.file})`,
    ...(scopes.length > 0 ? [`only for ${scopes.join(', ')}`] : []),
    ...matchLines(runbook),
    ...sectionOf(Object.entries(runbook.inputs), [
      ['INPUT', ([name]) => name],
      ['TYPE', ([, { type }]) => type],
      ['DEFAULT', ([, input]) => (input.required ? 'required' : JSON.stringify(input.default))],
      ['DESCRIPTION', ([, { description = '' }]) => description],
    ]),
    ...sectionOf(runbook.steps, [
      ['STEP', ({ id }) => id],
      'uses',
      ['EFFECT', ({ changes_production: changes }) => (changes ? 'changes production' : '')],
      ['APPROVAL', ({ approval }) => (approval ? 'required' : '')],
      ['NAME', ({ id, name }) => (name === id ? '' : name)],
    ]),
    ...runbook.text.trim().split('\n'),
  ];
};

async function start(context: CommandContext, options: RunOptions): Promise<void> {
  refusePlanWithYes(options);
  const { name, service, environment, incident, input = [] } = options;
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

async function retryRun(context: CommandContext, options: ConfirmOptions & { run: string }): Promise<void> {
  refusePlanWithYes(options);
  const client = await Client.of(context);
  const path = `${pathOfRun(options.run)}/actions/retry`;
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
      if (input === undefined)
        throw new UsageError(
          `runbook ${runbook} has no input "${name}"${suggestionText(nearest(name, Object.keys(inputs)))}`,
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
  await confirm(context.ask, 'Start it?');
  return true;
}

function planLines(plan: RunPlan): string[] {
  const inputs = Object.entries(plan.inputs).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    `${plan.title} (${plan.runbook}, version ${plan.version.slice(0, 12)})`,
    `target   ${plan.service} in ${plan.environment}`,
    `incident ${plan.incident_id === null ? 'a new incident is opened' : incidentName({ id: plan.incident_id, number: plan.incident_number })}`,
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
async function followToEnd({ err }: CommandContext, client: Client, started: RunView): Promise<RunView> {
  const printed = new Set<string>();
  const printSteps = (run: RunView): boolean => {
    for (const { id, status, detail } of run.steps) {
      const key = `${id} ${status}`;
      if (status === 'pending' || status === 'running' || printed.has(key)) continue;
      printed.add(key);
      err(oneLine(`${status.padEnd(9)} ${id}${detail === '' ? '' : `: ${detail}`}`));
      if (status === 'waiting') err(approveCommand(run, id));
    }
    return run.status !== 'running';
  };
  if (printSteps(started)) return started;
  const hint = `The run continues when Firebreak is back. To see it: firebreak runbooks runs ${started.id}`;
  return client.follow(pathOfRun(started.id), RunView, printSteps, hint);
}

/** Returns the command that approves a step. `r2.3` is step 3 of run 2 of the incident. */
function approveCommand({ id, steps }: RunView, step: string): string {
  const { incident, number } = partsOfRun(RunId.parse(id));
  const stepNumber = steps.findIndex((candidate) => candidate.id === step) + 1;
  return `          firebreak incident approve ${incident} r${number}.${stepNumber}`;
}

const RUNS = apiCall({
  call: 'GET /v1/runbooks/runs',
  send: ({ incident, limit }) => ({ incident, limit }),
  response: Runs,
  print: ({ items }) => [
    tableOf(items, [
      ['RUN', ({ id }) => id],
      'runbook',
      PLACE,
      'started_at',
      ['BY', ({ by }) => by ?? 'alerts'],
      'status',
    ]),
  ],
});

const RUN = apiCall({
  call: 'GET /v1/runbooks/runs/:run',
  send: () => ({}),
  response: RunView,
  print: (run) => [
    `${run.title} (${run.runbook}), ${run.service} in ${run.environment}: ${run.status}`,
    `started ${shortTime(run.started_at)} by ${run.by ?? 'alerts'}, incident ${incidentName({ id: run.incident_id, number: run.incident_number })}`,
    ...(run.retry_of === null ? [] : [`continues run ${run.retry_of}`]),
    ...(run.text === null ? [] : [run.text]),
    '',
    tableOf(run.steps, [['STEP', ({ id }) => id], 'uses', 'status', 'detail']),
    ...run.steps.filter(({ status }) => status === 'waiting').map(({ id }) => approveCommand(run, id).trim()),
  ],
});
