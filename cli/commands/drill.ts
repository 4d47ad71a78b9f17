import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { Drill } from '../../schemas/automation/drill.ts';
import { Client, NoAnswer, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import { CommandFailure, type World } from '../world.ts';

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

export function addDrill(program: Command, world: World): void {
  const drill = program
    .command('drill')
    .description('Prove that a rollback works: roll back and forward again in an environment that permits drills')
    .argument('<service>')
    .argument('<environment>', 'Environment with "drills: true" in the catalogue')
    .option('--no-wait', 'Do not wait for the drill to finish')
    .action((service: string, environment: string, { wait }: { wait: boolean }) =>
      begin(world, { service, environment }, wait),
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
      id === undefined ? status(world, options) : one(world, id, options),
    );
}

async function begin(world: World, place: object, wait: boolean): Promise<void> {
  const client = await Client.of(world);
  const begun = await client.post('/v1/drills', place, Drill);
  world.out(
    `drill ${begun.id}: from ${begun.from_version} back to ${begun.to_version} and forward again, target ${begun.target}`,
  );
  if (wait) conclude(world, await followed(world, client, begun));
}

/** Prints each step once until the drill is finished. */
async function followed(world: World, client: Client, begun: Drill): Promise<Drill> {
  let told = 0;
  let heardAt = Date.now();
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    try {
      const drill = await client.get(`/v1/drills/${begun.id}`, Drill);
      heardAt = Date.now();
      for (const step of drill.steps.slice(told)) world.out(lineOf(step));
      told = drill.steps.length;
      if (drill.outcome !== null) return drill;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (Date.now() - heardAt > PATIENCE_MS)
        throw new CommandFailure(
          `${error.message}\nThe drill continues when Firebreak is back. To see it: firebreak drill status ${begun.id}`,
        );
    }
  }
}

const lineOf = ({ at, phase, text }: Drill['steps'][number]): string =>
  oneLine(`${shortTime(at)}  ${phase.padEnd(5)}  ${text}`);

function conclude(world: World, { outcome, reason, rollback_s: wayBack, duration_s: duration }: Drill): void {
  if (outcome !== 'proved') throw new CommandFailure(`failed: ${oneLine(reason ?? 'no reason given')}`);
  world.out(`proved: the rollback took ${wayBack ?? 0} s, the whole drill ${duration ?? 0} s`);
}

async function one(world: World, id: string, { json }: StatusOptions): Promise<void> {
  const drill = await (await Client.of(world)).get(`/v1/drills/${encodeURIComponent(id)}`, Drill);
  if (json) return world.out(asJson(drill));
  world.out(
    `${drill.service} in ${drill.environment}: from ${drill.from_version} back to ${drill.to_version} and forward again`,
  );
  for (const step of drill.steps) world.out(lineOf(step));
  if (drill.outcome === null) world.out('in progress');
  else conclude(world, drill);
}

async function status(world: World, { json, ...query }: StatusOptions): Promise<void> {
  const drills = await (await Client.of(world)).get(`/v1/drills${queryOf(query)}`, Drills);
  if (json) return world.out(asJson(drills));
  const lanes = drills.environments.map((lane) => [lane.service, lane.environment, provedAt(lane)]);
  world.out(
    lanes.length === 0
      ? 'drills are not enabled: no environment has "drills: true"'
      : table(['SERVICE', 'ENVIRONMENT', 'LAST PROVED'], lanes),
  );
  if (drills.items.length === 0) return;
  const rows = drills.items.map((drill) => [
    drill.id,
    `${drill.service}/${drill.environment}`,
    shortTime(drill.started_at),
    drill.outcome ?? drill.phase,
    drill.reason ?? '',
  ]);
  world.out(`\n${table(['DRILL', 'SERVICE', 'STARTED', 'OUTCOME', 'REASON'], rows)}`);
}

export const provedAt = ({ last_proved_at: at }: { last_proved_at: string | null }): string =>
  at === null ? 'never' : shortTime(at);
