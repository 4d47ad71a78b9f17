import { type Command, Option } from 'commander';
import * as z from 'zod';
import { clearedWords } from '../../domain/cleared.ts';
import { IncidentStatus, IncidentView, TimelineEntry } from '../../schemas/incident.ts';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime, table } from '../table.ts';
import type { World } from '../world.ts';

const Incidents = z.object({ items: z.array(IncidentView), next_cursor: z.string().nullable() });
const Timeline = z.object({ items: z.array(TimelineEntry) });

type ListOptions = { status?: string; service?: string; limit: number; json?: true };

export function addIncident(program: Command, world: World): void {
  const incident = program.command('incident').description('incidents');
  incident
    .command('list')
    .description('newest first, finished ones included')
    .addOption(new Option('--status <status>', 'only these').choices(IncidentStatus.options))
    .option('--service <name>', 'only of this service')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(world, options));
  incident
    .command('show')
    .description('one with what was decided, done and said')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => show(world, id, options));
}

async function list(world: World, { json, ...query }: ListOptions): Promise<void> {
  const client = await Client.of(world);
  const { items } = await client.get(`/v1/incidents${queryOf(query)}`, Incidents);
  if (json) return world.out(asJson(items));
  const rows = items.map((one) => [
    one.id,
    one.status,
    one.severity,
    `${one.service}/${one.environment}`,
    shortTime(one.opened_at),
    one.title,
  ]);
  world.out(table(['ID', 'STATUS', 'SEVERITY', 'SERVICE', 'OPENED', 'TITLE'], rows));
}

async function show(world: World, id: string, { json }: { json?: true }): Promise<void> {
  const client = await Client.of(world);
  const at = `/v1/incidents/${encodeURIComponent(id)}`;
  const incident = await client.get(at, IncidentView);
  const { items } = await client.get(`${at}/timeline?limit=200`, Timeline);
  const timeline = items.toReversed();
  if (json) return world.out(asJson({ ...incident, timeline }));
  world.out(oneLine(incident.title));
  world.out(`${incident.service} in ${incident.environment}, ${incident.severity}, ${incident.status}`);
  world.out(`opened ${shortTime(incident.opened_at)}, resolved ${shortTime(incident.resolved_at)}`);
  for (const { version, confidence, reasons } of incident.suspects)
    world.out(oneLine(`suspect  ${version} (${confidence}): ${reasons.join('; ')}`));
  if (incident.cleared.length > 0) world.out(oneLine(`cleared  ${clearedWords(incident.cleared)}`));
  for (const { kind, state, reasons, digest } of incident.decisions) {
    const waits = state === 'waiting' ? ` [waits; digest ${digest}]` : '';
    world.out(oneLine(`decision ${kind}, ${state}: ${reasons.map(({ text }) => text).join('; ')}${waits}`));
  }
  for (const { kind, state, target, detail } of incident.effects)
    world.out(oneLine(`effect   ${kind} at ${target}, ${state}: ${detail}`));
  world.out('');
  world.out(
    table(
      ['AT', 'WHO', 'WHAT'],
      timeline.map((entry) => [shortTime(entry.at), entry.actor, entry.text]),
    ),
  );
}
