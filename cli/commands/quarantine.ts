import type { Command } from 'commander';
import * as z from 'zod';
import { Timestamp } from '../../schemas/time/time.ts';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import { CommandFailure, type World } from '../world.ts';

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
const Whole = Entry.extend({ body: z.string() });
const Replayed = z.object({
  receipt: z.string(),
  accepted: z.number(),
  quarantined: z.number(),
  truncated: z.number(),
});

/** How many characters of a body are printed. */
const SHOWN_CHARS = 4000;

/** Adds the commands for inputs that could not be parsed. */
export function addQuarantine(program: Command, world: World): void {
  const quarantine = program
    .command('quarantine')
    .description('List, show, and replay inputs that could not be parsed');
  quarantine
    .command('list')
    .description('List quarantined inputs, newest first')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: { limit: number; json?: true }) => list(world, options));
  quarantine
    .command('show')
    .description('Show one input with its error and body')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => show(world, id, options));
  quarantine
    .command('replay')
    .description('Parse an input again; exits with 1 if it still fails')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => replay(world, id, options));
}

const pathOf = (id: string): string => `/v1/quarantine/${encodeURIComponent(id)}`;

async function list(world: World, { json, limit }: { limit: number; json?: true }): Promise<void> {
  const { items } = await (await Client.of(world)).get(`/v1/quarantine${queryOf({ limit })}`, Entries);
  if (json) return world.out(asJson(items));
  const rows = items.map((one) => [
    one.id,
    one.source,
    String(one.count),
    shortTime(one.last_seen_at),
    shortTime(one.replayed_at),
    one.detail,
  ]);
  world.out(table(['ID', 'SOURCE', 'COUNT', 'LAST SEEN', 'REPLAYED', 'ERROR'], rows));
}

async function show(world: World, id: string, { json }: { json?: true }): Promise<void> {
  const entry = await (await Client.of(world)).get(pathOf(id), Whole);
  if (json) return world.out(asJson(entry));
  world.out(oneLine(`${entry.source}, answered with ${entry.status}: ${entry.detail}`));
  world.out(
    `seen ${entry.count} ${entry.count === 1 ? 'time' : 'times'}, first ${shortTime(entry.first_seen_at)} UTC, ` +
      `last ${shortTime(entry.last_seen_at)} UTC; replayed ${shortTime(entry.replayed_at)}`,
  );
  world.out(oneLine(`${entry.bytes} bytes, ${entry.content_type}`));
  world.out('');
  const body = Buffer.from(entry.body, 'base64').toString('utf8');
  for (const line of body.slice(0, SHOWN_CHARS).split('\n')) world.out(oneLine(line));
  if (body.length > SHOWN_CHARS) world.err('truncated; for the whole body in base64, use --json');
}

async function replay(world: World, id: string, { json }: { json?: true }): Promise<void> {
  const read = await (await Client.of(world)).post(`${pathOf(id)}/replay`, {}, Replayed);
  if (json) return world.out(asJson(read));
  world.out(`${id} replayed: ${read.accepted} accepted, ${read.quarantined} still in quarantine`);
  if (read.quarantined > 0) throw new CommandFailure(`${read.quarantined} cannot be parsed`);
}
