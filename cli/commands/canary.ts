import type { Command } from 'commander';
import * as z from 'zod';
import { Canary, CanaryCheck, type CanaryCommandKind, CanaryEvent } from '../../schemas/canary/canary.ts';
import { Client, queryOf } from '../client.ts';
import type { CommandContext } from '../command-context.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortNumber, shortTime, table } from '../table.ts';

const Canaries = z.object({ items: z.array(Canary) });
const Details = Canary.extend({ events: z.array(CanaryEvent), checks: z.array(CanaryCheck) });

type ListOptions = { service?: string; environment?: string; limit: number; json?: true };
type ActionOptions = { reason?: string; full?: true };

/** Adds the commands for canaries: new versions that get traffic step by step. */
export function addCanary(program: Command, context: CommandContext): void {
  const canary = program
    .command('canary')
    .description('Give a new version traffic step by step, and promote, hold, or abort it');
  canary
    .command('start')
    .description('Start a canary of a version that is deployed beside the stable one')
    .argument('<service>')
    .argument('<environment>')
    .argument('<version>')
    .option('--stable <version>', 'Stable version (default: by the recorded deployments)')
    .action((service: string, environment: string, version: string, { stable }: { stable?: string }) =>
      start(context, { service, environment, version, ...(stable !== undefined && { stable_version: stable }) }),
    );
  canary
    .command('list')
    .description('List canaries, newest first')
    .option('--service <name>', 'Only this service')
    .option('--environment <name>', 'Only this environment')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(context, options));
  canary
    .command('show')
    .description('Show a canary, with its events and its last check')
    .argument('<canary>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => show(context, id, options));
  canary
    .command('promote')
    .description('Continue with the next share of the traffic now')
    .argument('<canary>')
    .option('--full', 'Give the version all traffic')
    .option('--reason <text>', 'Reason')
    .action((id: string, options: ActionOptions) => request(context, id, 'promote', options));
  canary
    .command('hold')
    .description('Keep the share of the traffic until someone promotes')
    .argument('<canary>')
    .option('--reason <text>', 'Reason')
    .action((id: string, options: ActionOptions) => request(context, id, 'hold', options));
  canary
    .command('abort')
    .description('Give all traffic back to the stable version')
    .argument('<canary>')
    .option('--reason <text>', 'Reason')
    .action((id: string, options: ActionOptions) => request(context, id, 'abort', options));
}

async function start(context: CommandContext, input: object): Promise<void> {
  const canary = await (await Client.of(context)).create('/v1/canaries', input, Canary);
  const { id, version, stable_version: stable, steps, target } = canary;
  context.out(`canary ${id}: ${version} beside ${stable}, ${steps.join(', ')} % of the traffic, router ${target}`);
}

async function list(context: CommandContext, { json, ...query }: ListOptions): Promise<void> {
  const { items } = await (await Client.of(context)).get(`/v1/canaries${queryOf(query)}`, Canaries);
  if (json) return context.out(asJson(items));
  const rows = items.map((canary) => [
    canary.id,
    `${canary.service}/${canary.environment}`,
    canary.version,
    canary.status,
    `${canary.weight} %`,
    shortTime(canary.started_at),
    oneLine(canary.reason),
  ]);
  context.out(table(['ID', 'SERVICE', 'VERSION', 'STATUS', 'TRAFFIC', 'STARTED', 'REASON'], rows));
}

async function show(context: CommandContext, id: string, { json }: { json?: true }): Promise<void> {
  const canary = await (await Client.of(context)).get(`/v1/canaries/${encodeURIComponent(id)}`, Details);
  if (json) return context.out(asJson(canary));
  const { service, environment, version, stable_version: stable, status, weight, reason } = canary;
  context.out(`${service} in ${environment}: ${version} beside ${stable}`);
  context.out(oneLine(`${status} at ${weight} %: ${reason}`));
  const events = canary.events.toReversed();
  context.out(
    `\n${table(
      ['TIME', 'TRAFFIC', 'EVENT'],
      events.map(({ at, weight: share, text }) => [shortTime(at), `${share} %`, oneLine(text)]),
    )}`,
  );
  const [lastCheck] = canary.checks;
  if (lastCheck === undefined) return;
  const rows = lastCheck.metrics.map((metric) => [
    metric.name,
    metric.verdict,
    shortNumber(metric.version),
    shortNumber(metric.baseline),
    oneLine(metric.reason),
  ]);
  context.out(`\nLast check: ${lastCheck.verdict}`);
  if (rows.length > 0) context.out(table(['METRIC', 'VERDICT', 'VERSION', 'STABLE', 'REASON'], rows));
}

const REQUESTED_TEXT: Record<CanaryCommandKind, string> = {
  promote: 'promotion requested',
  hold: 'hold requested',
  abort: 'abort requested',
};

async function request(
  context: CommandContext,
  id: string,
  kind: CanaryCommandKind,
  { reason, full }: ActionOptions,
): Promise<void> {
  const body = { ...(reason !== undefined && { reason }), ...(full && { full }) };
  const path = `/v1/canaries/${encodeURIComponent(id)}/actions/${kind}`;
  const canary = await (await Client.of(context)).create(path, body, Canary);
  context.out(`${canary.id}: ${REQUESTED_TEXT[kind]}`);
}
