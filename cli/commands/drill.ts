import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { Drill } from '../../schemas/automation/drill.ts';
import { Client, NoAnswer, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import { CommandFailure, type CommandContext } from '../command-context.ts';

const Drills = z.object({
  items: z.array(Drill),
  environments: z.array(
    z.object({ service: z.string(), environment: z.string(), last_proved_at: z.string().nullable() }),
  ),
});

const LOOK_EVERY_MS = 1000;

/** How long to retry while Firebreak does not respond. A restart takes less. */
const PATIENCE_MS = 60_000;

type StatusOptions = { service?: string; environment?: string; limit: number; json?: true };

export function addDrill(program: Command, context: CommandContext): void {
  const drill = program
    .command('drill')
    .description('Prove that a rollback works: roll back and forward again in an environment that permits drills')
    .argument('<service>')
    .argument('<environment>', 'Environment with "drills: true" in the catalogue')
    .option('--no-wait', 'Do not wait for the drill to finish')
    .action((service: string, environment: string, { wait }: { wait: boolean }) =>
      begin(context, { service, environment }, wait),
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
      id === undefined ? status(context, options) : one(context, id, options),
    );
}

async function begin(context: CommandContext, target: object, wait: boolean): Promise<void> {
  const client = await Client.of(context);
  const begun = await client.post('/v1/drills', target, Drill);
  context.out(
    `drill ${begun.id}: from ${begun.from_version} back to ${begun.to_version} and forward again, target ${begun.target}`,
  );
  if (wait) conclude(context, await followed(context, client, begun));
}

/** Prints each step once until the drill is finished. */
async function followed(context: CommandContext, client: Client, begun: Drill): Promise<Drill> {
  let printed = 0;
  let progressAt = Date.now();
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    try {
      const drill = await client.get(`/v1/drills/${begun.id}`, Drill);
      progressAt = Date.now();
      for (const step of drill.steps.slice(printed)) context.out(lineOf(step));
      printed = drill.steps.length;
      if (drill.outcome !== null) return drill;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (Date.now() - progressAt > PATIENCE_MS)
        throw new CommandFailure(
          `${error.message}\nThe drill continues when Firebreak is back. To see it: firebreak drill status ${begun.id}`,
        );
    }
  }
}

const lineOf = ({ at, phase, text }: Drill['steps'][number]): string =>
  oneLine(`${shortTime(at)}  ${phase.padEnd(5)}  ${text}`);

function conclude(
  context: CommandContext,
  { outcome, reason, rollback_s: wayBack, duration_s: duration }: Drill,
): void {
  if (outcome !== 'proved') throw new CommandFailure(`failed: ${oneLine(reason ?? 'no reason given')}`);
  context.out(`proved: the rollback took ${wayBack ?? 0} s, the whole drill ${duration ?? 0} s`);
}

async function one(context: CommandContext, id: string, { json }: StatusOptions): Promise<void> {
  const drill = await (await Client.of(context)).get(`/v1/drills/${encodeURIComponent(id)}`, Drill);
  if (json) return context.out(asJson(drill));
  context.out(
    `${drill.service} in ${drill.environment}: from ${drill.from_version} back to ${drill.to_version} and forward again`,
  );
  for (const step of drill.steps) context.out(lineOf(step));
  if (drill.outcome === null) context.out('in progress');
  else conclude(context, drill);
}

async function status(context: CommandContext, { json, ...query }: StatusOptions): Promise<void> {
  const drills = await (await Client.of(context)).get(`/v1/drills${queryOf(query)}`, Drills);
  if (json) return context.out(asJson(drills));
  const environments = drills.environments.map((environment) => [
    environment.service,
    environment.environment,
    provedAt(environment),
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

export const provedAt = ({ last_proved_at: at }: { last_proved_at: string | null }): string =>
  at === null ? 'never' : shortTime(at);
