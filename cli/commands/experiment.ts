import type { Command } from 'commander';
import * as z from 'zod';
import { ExpectedAlert, Experiment, ExperimentEvent } from '../../schemas/experiments/experiment.ts';
import { Client, queryOf } from '../client.ts';
import type { CommandContext } from '../command-context.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortNumber, shortTime, table } from '../table.ts';

const Experiments = z.object({ items: z.array(Experiment) });
const ExperimentDetails = Experiment.extend({ events: z.array(ExperimentEvent), alerts: z.array(ExpectedAlert) });

type ListOptions = { service?: string; environment?: string; limit: number; json?: true };

/** Adds the commands for chaos experiments. */
export function addExperiment(program: Command, context: CommandContext): void {
  const experiment = program
    .command('experiment')
    .description('Show chaos experiments, report their start and end, and stop them');
  experiment
    .command('list')
    .description('List chaos experiments, newest first')
    .option('--service <name>', 'Only this service')
    .option('--environment <name>', 'Only this environment')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(context, options));
  experiment
    .command('show')
    .description('Show an experiment, with its numbers, expected alerts, and events')
    .argument('<experiment>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => show(context, id, options));
  experiment
    .command('report')
    .description('Print the report of an experiment as Markdown')
    .argument('<experiment>')
    .action(async (id: string) =>
      context.out((await (await Client.of(context)).text(`${pathOf(id)}/report`)).trimEnd()),
    );
  // Firebreak measures the steady state and sets the status `ready`; only then can the experiment start.
  experiment
    .command('started')
    .description('Report that an experiment whose steady state holds has started')
    .argument('<experiment>')
    .action((id: string) => reportStatus(context, id, 'running'));
  experiment
    .command('finished')
    .description('Report that an experiment is over')
    .argument('<experiment>')
    .option('--reason <text>', 'Reason')
    .action((id: string, { reason }: { reason?: string }) => reportStatus(context, id, 'finished', reason));
  experiment
    .command('stop')
    .description('Stop an experiment at the chaos system, or cancel one that has not started')
    .argument('<experiment>')
    .option('--reason <text>', 'Reason')
    .action((id: string, { reason }: { reason?: string }) => stop(context, id, reason));
}

const pathOf = (id: string): string => `/v1/experiments/${encodeURIComponent(id)}`;

const scopeOf = ({ scope }: Pick<Experiment, 'scope'>): string =>
  scope.map(({ service, environment }) => `${service}/${environment}`).join(', ');

async function list(context: CommandContext, { json, ...query }: ListOptions): Promise<void> {
  const { items } = await (await Client.of(context)).get(`/v1/experiments${queryOf(query)}`, Experiments);
  if (json) return context.out(asJson(items));
  const rows = items.map((experiment) => [
    experiment.id,
    oneLine(experiment.name),
    scopeOf(experiment),
    experiment.status,
    experiment.conclusion?.outcome ?? '-',
    shortTime(experiment.started_at ?? experiment.created_at),
    oneLine(experiment.reason),
  ]);
  context.out(table(['ID', 'NAME', 'SCOPE', 'STATUS', 'OUTCOME', 'STARTED', 'REASON'], rows));
}

async function show(context: CommandContext, id: string, { json }: { json?: true }): Promise<void> {
  const experiment = await (await Client.of(context)).get(pathOf(id), ExperimentDetails);
  if (json) return context.out(asJson(experiment));
  context.out(oneLine(`${experiment.name}: ${scopeOf(experiment)}`));
  context.out(oneLine(`${experiment.conclusion?.outcome ?? experiment.status}: ${experiment.reason}`));
  for (const reason of experiment.conclusion?.reasons ?? []) context.out(oneLine(`  ${reason}`));
  const checks = (experiment.conclusion?.checks ?? []).map(({ name, before, during, after }) => [
    name,
    shortNumber(before.mean),
    shortNumber(during.mean),
    shortNumber(during.max),
    String(during.outside), // measurements beyond the limits
    shortNumber(after.last),
  ]);
  if (checks.length > 0)
    context.out(`\n${table(['CHECK', 'BEFORE', 'DURING', 'HIGHEST', 'OUTSIDE', 'AFTER'], checks)}`);
  const alerts = experiment.alerts.map(({ at, title, service, environment, abort }) => [
    shortTime(at),
    oneLine(title),
    `${service}/${environment}`,
    abort ? 'stopped it' : 'expected',
  ]);
  if (alerts.length > 0) context.out(`\n${table(['TIME', 'ALERT', 'SERVICE', 'EFFECT'], alerts)}`);
  const events = experiment.events.map(({ at, text }) => [shortTime(at), oneLine(text)]);
  context.out(`\n${table(['TIME', 'EVENT'], events)}`);
}

async function reportStatus(
  context: CommandContext,
  id: string,
  status: 'running' | 'finished',
  reason?: string,
): Promise<void> {
  const body = { status, ...(reason !== undefined && { reason }) };
  const { id: reportedId } = await (await Client.of(context)).patch(pathOf(id), body, Experiment);
  context.out(`${reportedId}: reported as ${status}`);
}

async function stop(context: CommandContext, id: string, reason?: string): Promise<void> {
  const body = reason === undefined ? {} : { reason };
  const { id: reportedId } = await (await Client.of(context)).post(`${pathOf(id)}/actions/stop`, body, Experiment);
  context.out(`${reportedId}: stop requested`);
}
