import * as z from 'zod';
import { counted } from '../../../core/domain/reports/words.ts';
import { apiCommand, apiGroup, listOf } from '../api-command.ts';
import { JSON_OPTION } from '../options.ts';

const Queue = z.object({
  queue: z.string(),
  waiting: z.number(),
  in_flight: z.number(),
  delayed: z.number(),
  dead: z.number().nullable(),
});
const Dead = z.object({ id: z.string(), group: z.string().nullable(), body: z.string() });

/** Adds the commands for the queues between the parts of Firebreak. */
export const addQueues = apiGroup('queues', 'Show the queues, and process failed messages again', [
  {
    usage: 'list',
    description: 'List the queues with their numbers of messages',
    options: [JSON_OPTION],
    ...listOf('/v1/queues', Queue, ['queue', 'waiting', 'in_flight', 'delayed', 'dead']),
  },
  {
    usage: 'dead <queue>',
    description: 'Show at most ten messages that failed sixteen times, the oldest first',
    options: [JSON_OPTION],
    ...listOf('/v1/queues/:queue/dead', Dead, ['id', 'group', 'body']),
  },
  apiCommand({
    usage: 'redrive <queue>',
    description: 'Process the messages again that failed sixteen times',
    options: [JSON_OPTION],
    call: 'POST /v1/queues/:queue/redrive',
    response: z.object({ redriven: z.number() }),
    print: ({ redriven }, { queue }) => [`${String(queue)}: ${counted(redriven, 'message')} delivered again`],
  }),
]);
