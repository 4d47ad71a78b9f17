import { ActionItemStatus, ActionItemView } from '../../../schemas/action-items/action-item.ts';
import { apiGroup, apiCommand, listOf } from '../../../entrances/cli/api-command.ts';
import { choice, JSON_OPTION, LIMIT_OPTION } from '../../../entrances/cli/options.ts';

const ITEM = ['<item>', 'ID of the item, as `list` prints it'] as const;

/** Returns the command that changes the status of an action item. */
const change = (usage: string, description: string, status: 'done' | 'open') =>
  apiCommand({
    usage,
    description,
    args: [ITEM],
    call: 'PATCH /v1/action-items/:item',
    send: () => ({ status }),
    response: ActionItemView,
    print: (item) => [`${item.id} is ${item.status}: ${item.title}`],
  });

/** Adds the commands for action items of post-mortems. */
export const addActionItems = apiGroup(
  'action-items',
  'List action items of post-mortems and experiments, close and reopen them, and create their issues',
  [
    {
      usage: 'list',
      description: 'List action items, newest first',
      options: [
        choice('--status <status>', 'Open items include overdue ones', ActionItemStatus.options).default('open'),
        ['--owner <owner>', 'Only items of this owner'],
        ['--service <service>', 'Only items of this service'],
        LIMIT_OPTION,
        JSON_OPTION,
      ],
      ...listOf('/v1/action-items', ActionItemView, [
        'id',
        'status',
        'owner',
        'due',
        ['PRIO', ({ priority }) => priority ?? '-'],
        'service',
        ['ISSUE', ({ issue }) => (issue === null ? '-' : (issue.key ?? 'being created'))],
        'title',
      ]),
    },
    change('done', 'Close an action item', 'done'),
    change('reopen', 'Reopen an action item', 'open'),
    apiCommand({
      usage: 'issue',
      description: 'Create the issue of an action item in the configured tracker, once',
      args: [ITEM],
      call: 'POST /v1/action-items/:item/issue',
      response: ActionItemView,
      print: ({ issue }, { item }) => [
        issue?.url == null
          ? `the issue of ${String(item)} is created within a minute`
          : `${String(item)}: ${issue.url}`,
      ],
    }),
  ],
);
