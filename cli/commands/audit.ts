import type { Command } from 'commander';
import * as z from 'zod';
import { Timestamp } from '../../schemas/time/time.ts';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, shortTime, table } from '../table.ts';
import { CommandFailure, type CommandContext } from '../command-context.ts';

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
  program
    .command('audit')
    .description('Show the audit log, newest first, and verify its chain; exits with 1 if it was altered')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: { limit: number; json?: true }) => audit(context, options));
}

async function audit(context: CommandContext, { json, limit }: { limit: number; json?: true }): Promise<void> {
  const page = await (await Client.of(context)).get(`/v1/audit${queryOf({ limit, check: 'all' })}`, AuditPage);
  const { chain, items } = page;
  if (json) context.out(asJson(page));
  else {
    const rows = items.map(({ at, actor, actor_name, kind, subject, text, text_named }) => [
      shortTime(at),
      actor_name ?? actor,
      kind,
      subject,
      text_named ?? text,
    ]);
    context.out(table(['TIME', 'ACTOR', 'KIND', 'SUBJECT', 'TEXT'], rows));
    if (chain.intact)
      context.out(`verified: ${chain.entries} entries sealed until ${shortTime(chain.sealed_until)} UTC, none altered`);
  }
  if (!chain.intact) throw new CommandFailure(brokenText(chain));
}

const brokenText = ({ broken_at, because, entries, sealed_until }: z.infer<typeof AuditPage>['chain']): string =>
  broken_at === null
    ? `cannot verify the audit log: ${because ?? 'unknown reason'}`
    : `the audit log was altered at ${broken_at}${because ? `: ${because}` : ''}. The ${entries} entries before it ` +
      `${sealed_until === null ? '' : `(until ${shortTime(sealed_until)} UTC) `}are intact`;
