import { type Command, Option } from 'commander';
import * as z from 'zod';
import { ActionItemStatus, ActionItemView } from '../../../schemas/postmortems/postmortem.ts';
import { Client, queryOf } from '../../client.ts';
import type { CommandContext } from '../../command-context.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../../options.ts';
import { asJson, oneLine, table } from '../../table.ts';

const Items = z.object({ items: z.array(ActionItemView) });

type ListOptions = { status: ActionItemStatus; owner?: string; service?: string; limit: number; json?: true };

/** Adds the commands for action items of post-mortems. */
export function addActionItems(program: Command, context: CommandContext): void {
  const actionItems = program
    .command('action-items')
    .description('List action items of post-mortems and experiments, close and reopen them, and create their issues');
  actionItems
    .command('list')
    .description('List action items, newest first')
    .addOption(
      new Option('--status <status>', 'Open items include overdue ones')
        .choices(ActionItemStatus.options)
        .default('open'),
    )
    .option('--owner <owner>', 'Only items of this owner')
    .option('--service <service>', 'Only items of this service')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(context, options));
  const statusCommands = [
    ['done', 'Close an action item', { status: 'done' }],
    ['reopen', 'Reopen an action item', { status: 'open' }],
  ] as const;
  for (const [name, description, patch] of statusCommands)
    actionItems
      .command(name)
      .description(description)
      .argument('<item>', 'ID of the item, as `list` prints it')
      .action(async (id: string) => {
        const item = await (await Client.of(context)).patch(pathOf(id), patch, ActionItemView);
        context.out(oneLine(`${item.id} is ${item.status}: ${item.title}`));
      });
  actionItems
    .command('issue')
    .description('Create the issue of an action item in the configured tracker, once')
    .argument('<item>', 'ID of the item, as `list` prints it')
    .action(async (id: string) => {
      const { issue } = await (await Client.of(context)).post(`${pathOf(id)}/issue`, {}, ActionItemView);
      context.out(
        oneLine(issue?.url == null ? `the issue of ${id} is created within a minute` : `${id}: ${issue.url}`),
      );
    });
}

const pathOf = (id: string): string => `/v1/action-items/${encodeURIComponent(id)}`;

async function list(context: CommandContext, { json, ...filter }: ListOptions): Promise<void> {
  const { items } = await (await Client.of(context)).get(`/v1/action-items${queryOf(filter)}`, Items);
  if (json) return context.out(asJson(items));
  const rows = items.map(({ id, status, owner, due, priority, service, issue, title }) => [
    id,
    status,
    owner ?? '-',
    due ?? '-',
    priority ?? '-',
    service,
    issue === null ? '-' : (issue.key ?? 'being created'),
    title,
  ]);
  context.out(table(['ID', 'STATUS', 'OWNER', 'DUE', 'PRIO', 'SERVICE', 'ISSUE', 'TITLE'], rows));
}
