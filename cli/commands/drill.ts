import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { Drill } from '../../schemas/automation/drill.ts';
import { Client, NoResponse, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import { CommandFailure, type CommandContext } from '../command-context.ts';

const Drills = z.object({
  items: z.array(Drill),
  environments: z.array(
    z.object({ service: z.string(), environment: z.string(), last_proved_at: z.string().nullable() }),
  ),
});

const POLL_INTERVAL_MS = 1000;

/** How long to retry while Firebreak does not respond. A restart takes less. */
const OUTAGE_MAX_MS = 60_000;

type StatusOptions = { service?: string; environment?: string; limit: number; json?: true };

export function addDrill(program: Command, context: CommandContext): void {
  const drill = program
    .command('drill')
    .description('Prove that a rollback works: roll back and forward again in an environment that permits drills')
    .argument('<service>')
    .argument('<environment>', 'Environment with "drills: true" in the catalogue')
    .option('--no-wait', 'Do not wait for the drill to finish')
    .action((service: string, environment: string, { wait }: { wait: boolean }) =>
      start(context, { service, environment }, wait),
    );
  drill
    .command('status')
    .description('List the newest drills and when each environment was last proved, or show one drill')
    .argument('[id]')
    .option('--service <name>', 'Only this service')
    .option('--environment <name>', 'Only this environment')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((id: string | undefined, options: StatusOptions) =>
      id === undefined ? status(context, options) : show(context, id, options),
    );
}

async function start(context: CommandContext, target: object, wait: boolean): Promise<void> {
  const client = await Client.of(context);
  const started = await client.create('/v1/drills', target, Drill);
  context.out(
    `drill ${started.id}: from ${started.from_version} back to ${started.to_version} and forward again, target ${started.target}`,
  );
  if (wait) reportOutcome(context, await followToEnd(context, client, started));
}

/** Prints each step once until the drill is finished. */
async function followToEnd(context: CommandContext, client: Client, started: Drill): Promise<Drill> {
  let printed = 0;
  let lastResponseAt = Date.now();
  for (;;) {
    await sleep(POLL_INTERVAL_MS);
    try {
      const drill = await client.get(`/v1/drills/${started.id}`, Drill);
      lastResponseAt = Date.now();
      for (const step of drill.steps.slice(printed)) context.out(lineOf(step));
      printed = drill.steps.length;
      if (drill.outcome !== null) return drill;
    } catch (error) {
      if (!(error instanceof NoResponse)) throw error;
      if (Date.now() - lastResponseAt > OUTAGE_MAX_MS)
        throw new CommandFailure(
          `${error.message}\nThe drill continues when Firebreak is back. To see it: firebreak drill status ${started.id}`,
        );
    }
  }
}

const lineOf = ({ at, phase, text }: Drill['steps'][number]): string =>
  oneLine(`${shortTime(at)}  ${phase.padEnd(5)}  ${text}`);

function reportOutcome(
  context: CommandContext,
  { outcome, reason, rollback_s: rollbackSeconds, duration_s: drillSeconds }: Drill,
): void {
  if (outcome !== 'proved') throw new CommandFailure(`failed: ${oneLine(reason ?? 'no reason given')}`);
  context.out(`proved: the rollback took ${rollbackSeconds ?? 0} s, the whole drill ${drillSeconds ?? 0} s`);
}

async function show(context: CommandContext, id: string, { json }: StatusOptions): Promise<void> {
  const drill = await (await Client.of(context)).get(`/v1/drills/${encodeURIComponent(id)}`, Drill);
  if (json) return context.out(asJson(drill));
  context.out(
    `${drill.service} in ${drill.environment}: from ${drill.from_version} back to ${drill.to_version} and forward again`,
  );
  for (const step of drill.steps) context.out(lineOf(step));
  if (drill.outcome === null) context.out('in progress');
  else reportOutcome(context, drill);
}

async function status(context: CommandContext, { json, ...query }: StatusOptions): Promise<void> {
  const drills = await (await Client.of(context)).get(`/v1/drills${queryOf(query)}`, Drills);
  if (json) return context.out(asJson(drills));
  const environments = drills.environments.map((environment) => [
    environment.service,
    environment.environment,
    lastProvedText(environment),
  ]);
  context.out(
    environments.length === 0
      ? 'drills are not enabled: no environment has "drills: true"'
      : table(['SERVICE', 'ENVIRONMENT', 'LAST PROVED'], environments),
  );
  if (drills.items.length === 0) return;
  const rows = drills.items.map((drill) => [
    drill.id,
    `${drill.service}/${drill.environment}`,
    shortTime(drill.started_at),
    drill.outcome ?? drill.phase,
    drill.reason ?? '',
  ]);
  context.out(`\n${table(['DRILL', 'SERVICE', 'STARTED', 'OUTCOME', 'REASON'], rows)}`);
}

export const lastProvedText = ({ last_proved_at: at }: { last_proved_at: string | null }): string =>
  at === null ? 'never' : shortTime(at);
