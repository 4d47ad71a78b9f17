import type { Command } from 'commander';
import * as z from 'zod';
import { Drill } from '../../../schemas/automation/drill.ts';
import { addApiCommands, apiCall, PLACE, sectionOf, tableOf } from '../api-command.ts';
import { Client } from '../client.ts';
import { LIST_OPTIONS } from '../options.ts';
import { oneLine, shortTime } from '../table.ts';
import { CommandFailure, type CommandContext } from '../command-context.ts';

export const DrillEnvironments = z.object({
  environments: z.array(
    z.object({ service: z.string(), environment: z.string(), last_proved_at: z.string().nullable() }),
  ),
});
const Drills = DrillEnvironments.extend({ items: z.array(Drill) });

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
  addApiCommands(drill, context, [
    {
      usage: 'status [id]',
      description: 'List the newest drills and when each environment was last proved, or show one drill',
      options: LIST_OPTIONS,
      choose: ({ id }) => (id === undefined ? DRILLS : DRILL),
    },
  ]);
}

async function start(context: CommandContext, target: object, wait: boolean): Promise<void> {
  const client = await Client.of(context);
  const started = await client.create('/v1/drills', target, Drill);
  context.out(
    `drill ${started.id}: from ${started.from_version} back to ${started.to_version} and forward again, target ${started.target}`,
  );
  if (!wait) return;
  const ended = await followToEnd(context, client, started);
  const failure = failureOf(ended);
  if (failure !== undefined) throw new CommandFailure(failure);
  for (const line of outcomeText(ended)) context.out(line);
}

/** Prints each step once until the drill is finished. */
async function followToEnd({ out }: CommandContext, client: Client, { id }: Drill): Promise<Drill> {
  let printed = 0;
  const printSteps = ({ steps, outcome }: Drill): boolean => {
    for (const step of steps.slice(printed)) out(lineOf(step));
    printed = steps.length;
    return outcome !== null;
  };
  const hint = `The drill continues when Firebreak is back. To see it: firebreak drill status ${id}`;
  return client.follow(`/v1/drills/${id}`, Drill, printSteps, hint);
}

const lineOf = ({ at, phase, text }: Drill['steps'][number]): string =>
  oneLine(`${shortTime(at)}  ${phase.padEnd(5)}  ${text}`);

/** Returns why a drill proved nothing. */
const failureOf = ({ outcome, reason }: Drill): string | undefined =>
  outcome === null || outcome === 'proved' ? undefined : `failed: ${oneLine(reason ?? 'no reason given')}`;

function outcomeText({ outcome, rollback_s: rollbackSeconds, duration_s: drillSeconds }: Drill): string[] {
  if (outcome === null) return ['in progress'];
  if (outcome !== 'proved') return [];
  return [`proved: the rollback took ${rollbackSeconds ?? 0} s, the whole drill ${drillSeconds ?? 0} s`];
}

const DRILL = apiCall({
  call: 'GET /v1/drills/:id',
  send: () => ({}),
  response: Drill,
  print: (drill) => [
    `${drill.service} in ${drill.environment}: from ${drill.from_version} back to ${drill.to_version} and forward again`,
    ...drill.steps.map(lineOf),
    ...outcomeText(drill),
  ],
  failure: (drill, isJson) => (isJson ? undefined : failureOf(drill)),
});

const DRILLS = apiCall({
  call: 'GET /v1/drills',
  response: Drills,
  print: ({ items, environments }) => [
    environments.length === 0
      ? 'drills are not enabled: no environment has "drills: true"'
      : tableOf(environments, ['service', 'environment', ['LAST PROVED', lastProvedText]]),
    ...sectionOf(items, [
      ['DRILL', ({ id }) => id],
      PLACE,
      'started_at',
      ['OUTCOME', ({ outcome, phase }) => outcome ?? phase],
      ['REASON', ({ reason }) => reason ?? ''],
    ]),
  ],
});

export function lastProvedText({ last_proved_at: at }: { last_proved_at: string | null }): string {
  return at === null ? 'never' : shortTime(at);
}
