import type { Command } from 'commander';
import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';
import { addApiCommands, apiCommand, tableOf } from '../api-command.ts';
import type { CommandContext } from '../command-context.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { shortTime } from '../table.ts';

const AuditPage = z.object({
  items: z.array(
    z.object({
      at: Timestamp,
      actor: z.string(),
      actor_name: z.string().optional(),
      kind: z.string(),
      subject: z.string(),
      text: z.string(),
      text_named: z.string().optional(),
    }),
  ),
  chain: z.object({
    intact: z.boolean(),
    entries: z.number(),
    sealed_until: Timestamp.nullable(),
    broken_at: z.string().nullable(),
    because: z.string().nullish(),
  }),
});

export function addAudit(program: Command, context: CommandContext): void {
  addApiCommands(program, context, [
    apiCommand({
      usage: 'audit',
      description: 'Show the audit log, newest first, and verify its chain; exits with 1 if it was altered',
      options: [LIMIT_OPTION, JSON_OPTION],
      call: 'GET /v1/audit',
      send: ({ limit }) => ({ limit, check: 'all' }),
      response: AuditPage,
      print: ({ items, chain }) => [
        tableOf(items, [
          ['TIME', ({ at }) => shortTime(at)],
          ['ACTOR', ({ actor_name: name, actor }) => name ?? actor],
          'kind',
          'subject',
          ['TEXT', ({ text_named: named, text }) => named ?? text],
        ]),
        ...(chain.intact
          ? [`verified: ${chain.entries} entries sealed until ${shortTime(chain.sealed_until)} UTC, none altered`]
          : []),
      ],
      failure: ({ chain }) => (chain.intact ? undefined : brokenText(chain)),
    }),
  ]);
}

const brokenText = ({ broken_at, because, entries, sealed_until }: z.infer<typeof AuditPage>['chain']): string =>
  broken_at === null
    ? `cannot verify the audit log: ${because ?? 'unknown reason'}`
    : `the audit log was altered at ${broken_at}${because ? `: ${because}` : ''}. The ${entries} entries before it ` +
      `${sealed_until === null ? '' : `(until ${shortTime(sealed_until)} UTC) `}are intact`;
