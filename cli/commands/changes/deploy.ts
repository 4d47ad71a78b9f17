import { type Command, Option } from 'commander';
import * as z from 'zod';
import { Change, ChangeKind, ChangeStatus } from '../../../schemas/changes/change.ts';
import { Watch, WatchOutcome } from '../../../schemas/canary/watch.ts';
import { Client, queryOf } from '../../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../../options.ts';
import { asJson, oneLine, shortTime, table } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';

/** An older Firebreak returns no `warnings`. */
const RecordedChange = Change.extend({ warnings: z.array(z.string()).default([]) });
const Changes = z.object({ items: z.array(Change) });
const Watches = z.object({ items: z.array(Watch) });

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

type WatchOptions = ListOptions & { outcome?: string };

export function addDeploy(program: Command, context: CommandContext): void {
  const deploy = program.command('deploy').description('Record and list deployments and other changes');
  deploy
    .command('record')
    .description('Record a deployment or another change, usually from CI')
    .argument('<service>')
    .argument('<environment>')
    .argument('<version>')
    .addOption(new Option('--kind <kind>', 'Kind of change (default: deploy)').choices(ChangeKind.options))
    .addOption(new Option('--status <status>', 'Status (default: succeeded)').choices(ChangeStatus.options))
    .option('--commit <sha>', 'Commit that is deployed')
    .option(
      '--started-at <time>',
      'Start, RFC 3339 (default: now). To record the end of a started change, repeat its start',
    )
    .option('--finished-at <time>', 'End, RFC 3339 (default: now, unless the status is started)')
    .option('--author <name>', 'Author of the change')
    .option('--url <url>', 'Link to the change or the pipeline run')
    .option('--migration', 'The change migrates a schema or data')
    .option('--no-migration', 'The change has no migration; if unknown, a rollback needs approval')
    .option('--rollback-safe-to <version>', 'Oldest version that a rollback can still go to')
    .option(...JSON_OPTION)
    .action((service: string, environment: string, version: string, options: RecordOptions) =>
      record(context, { service, environment, version }, options),
    );
  deploy
    .command('list')
    .description('List changes, newest first')
    .option('--service <name>', 'Only this service')
    .option('--environment <name>', 'Only this environment')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(context, options));
  deploy
    .command('watch')
    .description('List the watches of deploys, newest first, or show the checks of one')
    .argument('[id]')
    .option('--service <name>', 'Only this service')
    .option('--environment <name>', 'Only this environment')
    .addOption(
      new Option('--outcome <outcome>', 'Only watches with this outcome').choices([...WatchOutcome.options, 'running']),
    )
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((id: string | undefined, options: WatchOptions) =>
      id === undefined ? listWatches(context, options) : showWatch(context, id, options),
    );
}

async function record(context: CommandContext, target: object, options: RecordOptions): Promise<void> {
  const { json, startedAt, finishedAt, migration, rollbackSafeTo, ...otherFields } = options;
  const body = {
    ...target,
    ...otherFields,
    started_at: startedAt,
    finished_at: finishedAt,
    has_migration: migration,
    rollback_safe_to: rollbackSafeTo,
  };
  const change = await (await Client.of(context)).create('/v1/deployments', body, RecordedChange);
  for (const warning of change.warnings) context.err(oneLine(`warning: ${warning}`));
  context.out(json ? asJson(change) : change.id);
}

async function list(context: CommandContext, { json, ...query }: ListOptions): Promise<void> {
  const { items } = await (await Client.of(context)).get(`/v1/deployments${queryOf(query)}`, Changes);
  if (json) return context.out(asJson(items));
  const rows = items.map((change) => [
    change.id,
    `${change.service}/${change.environment}`,
    change.version,
    change.kind,
    change.status,
    shortTime(change.started_at),
    change.rolled_back_by === null ? '' : `rolled back in incident ${change.rolled_back_by}`,
  ]);
  context.out(table(['ID', 'SERVICE', 'VERSION', 'KIND', 'STATUS', 'STARTED', 'NOTES'], rows));
}

async function listWatches(context: CommandContext, { json, ...query }: WatchOptions): Promise<void> {
  const { items } = await (await Client.of(context)).get(`/v1/watches${queryOf(query)}`, Watches);
  if (json) return context.out(asJson(items));
  const rows = items.map((watch) => [
    watch.id,
    `${watch.service}/${watch.environment}`,
    watch.version,
    shortTime(watch.started_at),
    watch.outcome ?? 'running',
    `${watch.checks.length}/${watch.checks_planned}`,
    notesOf(watch),
  ]);
  context.out(table(['ID', 'SERVICE', 'VERSION', 'STARTED', 'OUTCOME', 'CHECKS', 'NOTES'], rows));
}

async function showWatch(context: CommandContext, id: string, { json }: WatchOptions): Promise<void> {
  const watch = await (await Client.of(context)).get(`/v1/watches/${encodeURIComponent(id)}`, Watch);
  if (json) return context.out(asJson(watch));
  context.out(`${watch.service} in ${watch.environment}: ${watch.version}, ${watch.outcome ?? 'running'}`);
  const notes = notesOf(watch);
  if (notes !== '') context.out(oneLine(notes));
  const rows = watch.checks.map((check) => [
    String(check.number),
    shortTime(check.due_at),
    check.verdict,
    check.reasons.join('; '),
  ]);
  context.out(table(['CHECK', 'DUE', 'VERDICT', 'WHY'], rows));
}

const notesOf = ({ reason, startup }: Watch): string =>
  [...(reason === null ? [] : [reason]), ...(startup.slow ? ['slow start'] : [])].join('; ');
