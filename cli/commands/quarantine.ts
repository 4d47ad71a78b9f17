import type { Command } from 'commander';
import * as z from 'zod';
import { Timestamp } from '../../schemas/time/time.ts';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import { CommandFailure, type CommandContext } from '../command-context.ts';

const Entry = z.object({
  id: z.string(),
  source: z.string(),
  status: z.number(),
  detail: z.string(),
  content_type: z.string(),
  bytes: z.number(),
  count: z.number(),
  first_seen_at: Timestamp,
  last_seen_at: Timestamp,
  replayed_at: Timestamp.nullable(),
});
const Entries = z.object({ items: z.array(Entry) });
const EntryWithBody = Entry.extend({ body: z.string() });
const Replayed = z.object({
  receipt: z.string(),
  accepted: z.number(),
  quarantined: z.number(),
  truncated: z.number(),
});

/** How many characters of a body are printed. */
const SHOWN_CHARS = 4000;

/** Adds the commands for inputs that could not be parsed. */
export function addQuarantine(program: Command, context: CommandContext): void {
  const quarantine = program
    .command('quarantine')
    .description('List, show, and replay inputs that could not be parsed');
  quarantine
    .command('list')
    .description('List quarantined inputs, newest first')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: { limit: number; json?: true }) => list(context, options));
  quarantine
    .command('show')
    .description('Show one input with its error and body')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => show(context, id, options));
  quarantine
    .command('replay')
    .description('Parse an input again; exits with 1 if it still fails')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => replay(context, id, options));
}

const pathOf = (id: string): string => `/v1/quarantine/${encodeURIComponent(id)}`;

async function list(context: CommandContext, { json, limit }: { limit: number; json?: true }): Promise<void> {
  const { items } = await (await Client.of(context)).get(`/v1/quarantine${queryOf({ limit })}`, Entries);
  if (json) return context.out(asJson(items));
  const rows = items.map((entry) => [
    entry.id,
    entry.source,
    String(entry.count),
    shortTime(entry.last_seen_at),
    shortTime(entry.replayed_at),
    entry.detail,
  ]);
  context.out(table(['ID', 'SOURCE', 'COUNT', 'LAST SEEN', 'REPLAYED', 'ERROR'], rows));
}

async function show(context: CommandContext, id: string, { json }: { json?: true }): Promise<void> {
  const entry = await (await Client.of(context)).get(pathOf(id), EntryWithBody);
  if (json) return context.out(asJson(entry));
  context.out(oneLine(`${entry.source}, answered with ${entry.status}: ${entry.detail}`));
  context.out(
    `seen ${entry.count} ${entry.count === 1 ? 'time' : 'times'}, first ${shortTime(entry.first_seen_at)} UTC, ` +
      `last ${shortTime(entry.last_seen_at)} UTC; replayed ${shortTime(entry.replayed_at)}`,
  );
  context.out(oneLine(`${entry.bytes} bytes, ${entry.content_type}`));
  context.out('');
  const body = Buffer.from(entry.body, 'base64').toString('utf8');
  for (const line of body.slice(0, SHOWN_CHARS).split('\n')) context.out(oneLine(line));
  if (body.length > SHOWN_CHARS) context.err('truncated; for the whole body in base64, use --json');
}

async function replay(context: CommandContext, id: string, { json }: { json?: true }): Promise<void> {
  const result = await (await Client.of(context)).post(`${pathOf(id)}/replay`, {}, Replayed);
  if (json) return context.out(asJson(result));
  context.out(`${id} replayed: ${result.accepted} accepted, ${result.quarantined} still in quarantine`);
  if (result.quarantined > 0) throw new CommandFailure(`${result.quarantined} cannot be parsed`);
}
