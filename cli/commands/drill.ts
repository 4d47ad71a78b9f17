import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { Drill } from '../../schemas/drill.ts';
import { Client, NoAnswer, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import { No, type World } from '../world.ts';

const Drills = z.object({
  items: z.array(Drill),
  lanes: z.array(z.object({ service: z.string(), environment: z.string(), last_proved_at: z.string().nullable() })),
});

const LOOK_EVERY_MS = 1000;

/** How long it is looked for a Firebreak that does not answer: a restart takes less. */
const PATIENCE_MS = 60_000;

type StatusOptions = { service?: string; environment?: string; limit: number; json?: true };

export function addDrill(program: Command, world: World): void {
  const drill = program
    .command('drill')
    .description('roll back and forth again where nobody is hurt, and tell whether the way back works')
    .argument('<service>')
    .argument('<environment>', 'one with "drills: true" in the catalogue')
    .option('--no-wait', 'do not wait for its end')
    .action((service: string, environment: string, { wait }: { wait: boolean }) =>
      begin(world, { service, environment }, wait),
    );
  drill
    .command('status')
    .description('the newest drills, and when each lane was last proved; or one drill')
    .argument('[id]')
    .option('--service <name>', 'only of this service')
    .option('--environment <name>', 'only of this environment')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((id: string | undefined, options: StatusOptions) =>
      id === undefined ? status(world, options) : one(world, id, options),
    );
}

async function begin(world: World, place: object, wait: boolean): Promise<void> {
  const client = await Client.of(world);
  const begun = await client.post('/v1/drills', place, Drill);
  world.out(`drill ${begun.id}: ${begun.from_version} back to ${begun.to_version} and forth again, at ${begun.target}`);
  if (wait) conclude(world, await followed(world, client, begun));
}

/** Tells each step once, until it is over. */
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
        throw new No(`${error.message}\nThe drill goes on when it is back: firebreak drill status ${begun.id}`);
    }
  }
}

const lineOf = ({ at, phase, text }: Drill['steps'][number]): string =>
  oneLine(`${shortTime(at)}  ${phase.padEnd(5)}  ${text}`);

function conclude(world: World, { outcome, reason, way_back_s: wayBack, duration_s: duration }: Drill): void {
  if (outcome !== 'proved') throw new No(`failed: ${oneLine(reason ?? 'for no reason that was told')}`);
  world.out(`proved: the way back took ${wayBack ?? 0} s, all of it ${duration ?? 0} s`);
}

async function one(world: World, id: string, { json }: StatusOptions): Promise<void> {
  const drill = await (await Client.of(world)).get(`/v1/drills/${encodeURIComponent(id)}`, Drill);
  if (json) return world.out(asJson(drill));
  world.out(
    `${drill.service} in ${drill.environment}: ${drill.from_version} back to ${drill.to_version} and forth again`,
  );
  for (const step of drill.steps) world.out(lineOf(step));
  if (drill.outcome === null) world.out('it goes on');
  else conclude(world, drill);
}

async function status(world: World, { json, ...query }: StatusOptions): Promise<void> {
  const drills = await (await Client.of(world)).get(`/v1/drills${queryOf(query)}`, Drills);
  if (json) return world.out(asJson(drills));
  const lanes = drills.lanes.map((lane) => [lane.service, lane.environment, provedAt(lane)]);
  world.out(
    lanes.length === 0
      ? 'no lanes: no environment has "drills: true"'
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
  world.out(`\n${table(['DRILL', 'SERVICE', 'STARTED', 'OUTCOME', ''], rows)}`);
}

export const provedAt = ({ last_proved_at: at }: { last_proved_at: string | null }): string =>
  at === null ? 'never' : shortTime(at);
