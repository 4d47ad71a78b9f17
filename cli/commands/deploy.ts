import { type Command, Option } from 'commander';
import * as z from 'zod';
import { Change, ChangeKind, ChangeStatus } from '../../schemas/change.ts';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import type { World } from '../world.ts';

/** Without `warnings`: an older Firebreak. */
const Recorded = Change.extend({ warnings: z.array(z.string()).default([]) });
const Changes = z.object({ items: z.array(Change) });

type RecordOptions = {
  kind?: string;
  status?: string;
  commit?: string;
  startedAt?: string;
  finishedAt?: string;
  author?: string;
  url?: string;
  migration?: boolean;
  rollbackSafeTo?: string;
  json?: true;
};

type ListOptions = { service?: string; environment?: string; limit: number; json?: true };

export function addDeploy(program: Command, world: World): void {
  const deploy = program.command('deploy').description('changes to production');
  deploy
    .command('record')
    .description('tell of one, as a CI system does')
    .argument('<service>')
    .argument('<environment>')
    .argument('<version>')
    .addOption(new Option('--kind <kind>', 'what it is (default: deploy)').choices(ChangeKind.options))
    .addOption(new Option('--status <status>', 'how it stands (default: succeeded)').choices(ChangeStatus.options))
    .option('--commit <sha>')
    .option('--started-at <time>', 'RFC 3339 (default: now)')
    .option('--finished-at <time>', 'RFC 3339 (default: now, unless it goes on)')
    .option('--author <name>')
    .option('--url <url>')
    .option('--migration', 'it changes a schema or data')
    .option('--no-migration', 'it does not; where nobody says so, a person is asked before it is rolled back')
    .option('--rollback-safe-to <version>', 'the oldest version that can still be gone back to')
    .option(...JSON_OPTION)
    .action((service: string, environment: string, version: string, options: RecordOptions) =>
      record(world, { service, environment, version }, options),
    );
  deploy
    .command('list')
    .description('newest first')
    .option('--service <name>', 'only of this service')
    .option('--environment <name>', 'only of this environment')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(world, options));
}

async function record(world: World, what: object, options: RecordOptions): Promise<void> {
  const { json, startedAt, finishedAt, migration, rollbackSafeTo, ...same } = options;
  const body = {
    ...what,
    ...same,
    started_at: startedAt,
    finished_at: finishedAt,
    has_migration: migration,
    rollback_safe_to: rollbackSafeTo,
  };
  const change = await (await Client.of(world)).post('/v1/deployments', body, Recorded);
  for (const warning of change.warnings) world.err(oneLine(`warning: ${warning}`));
  world.out(json ? asJson(change) : change.id);
}

async function list(world: World, { json, ...query }: ListOptions): Promise<void> {
  const { items } = await (await Client.of(world)).get(`/v1/deployments${queryOf(query)}`, Changes);
  if (json) return world.out(asJson(items));
  const rows = items.map((one) => [
    one.id,
    `${one.service}/${one.environment}`,
    one.version,
    one.kind,
    one.status,
    shortTime(one.started_at),
    one.rolled_back_by === null ? '' : `rolled back in ${one.rolled_back_by}`,
  ]);
  world.out(table(['ID', 'SERVICE', 'VERSION', 'KIND', 'STATUS', 'STARTED', ''], rows));
}
