import * as z from 'zod';
import { answerText } from '../../../core/domain/alerts/quarantine.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { apiGroup, apiCommand, listOf } from '../api-command.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { shortTime } from '../table.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

const Entry = z.object({
  id: z.string(),
  source: z.string(),
  status: z.number().nullable(),
  detail: z.string(),
  content_type: z.string(),
  bytes: z.number(),
  count: z.number(),
  first_seen_at: Timestamp,
  last_seen_at: Timestamp,
  replayed_at: Timestamp.nullable(),
});
const EntryWithBody = Entry.extend({ body: z.string() });
/** The response of a receiver of alerts. Counts are of alerts. */
export const Receipt = z.object({
  receipt: z.string(),
  accepted: z.number(),
  quarantined: z.number(),
  truncated: z.number(),
});

/** How many characters of a body are printed. */
const SHOWN_CHARS = 4000;

const TRUNCATED = 'truncated; for the whole body in base64, use --json';

const textOf = ({ body }: z.infer<typeof EntryWithBody>): string => Buffer.from(body, 'base64').toString('utf8');

/** Adds the commands for inputs that could not be parsed. */
export const addQuarantine = apiGroup('quarantine', 'List, show, and replay inputs that could not be parsed', [
  {
    usage: 'list',
    description: 'List quarantined inputs, newest first',
    options: [LIMIT_OPTION, JSON_OPTION],
    ...listOf('/v1/quarantine', Entry, [
      'id',
      'source',
      'count',
      'last_seen_at',
      'replayed_at',
      ['ERROR', ({ detail }) => detail],
    ]),
  },
  apiCommand({
    usage: 'show <id>',
    description: 'Show one input with its error and body',
    options: [JSON_OPTION],
    call: 'GET /v1/quarantine/:id',
    response: EntryWithBody,
    print: (entry) => [
      `${entry.source}, ${answerText(entry)}: ${entry.detail}`,
      `seen ${counted(entry.count, 'time')}, first ${shortTime(entry.first_seen_at)} UTC, ` +
        `last ${shortTime(entry.last_seen_at)} UTC; replayed ${shortTime(entry.replayed_at)}`,
      `${entry.bytes} bytes, ${entry.content_type}`,
      '',
      ...truncated(textOf(entry), SHOWN_CHARS).split('\n'),
    ],
    notes: (entry, isJson) => (!isJson && textOf(entry).length > SHOWN_CHARS ? [TRUNCATED] : []),
  }),
  apiCommand({
    usage: 'replay <id>',
    description: 'Parse an input again; exits with 1 if it still fails',
    options: [JSON_OPTION],
    call: 'POST /v1/quarantine/:id/replay',
    response: Receipt,
    print: ({ accepted, quarantined }, { id }) => [
      `${String(id)} replayed: ${accepted} accepted, ${quarantined} still in quarantine`,
    ],
    failure: ({ quarantined }) => (quarantined > 0 ? `${quarantined} cannot be parsed` : undefined),
  }),
]);
