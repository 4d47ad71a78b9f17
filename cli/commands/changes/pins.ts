import type { Command } from 'commander';
import * as z from 'zod';
import { PinView } from '../../../schemas/changes/pin.ts';
import { Client, queryOf } from '../../client.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../../options.ts';
import { asJson, shortTime, table } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';

const Pins = z.object({ items: z.array(PinView) });

type ListOptions = { all?: true; limit: number; json?: true };

/** Adds the commands for pins: versions known bad. */
export function addPins(program: Command, context: CommandContext): void {
  const pins = program
    .command('pins')
    .description('List and lift pins: versions known bad, which are not deployed again');
  pins
    .command('list')
    .description('List pins, newest first')
    .option('--all', 'Include superseded and lifted pins')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: ListOptions) => list(context, options));
  pins
    .command('lift')
    .description('Lift a pin: allow the version again')
    .argument('<pin>')
    .action(async (id: string) => {
      await (await Client.of(context)).delete(`/v1/versions/pinned/${encodeURIComponent(id)}`);
      context.out(`${id} is lifted`);
    });
}

async function list(context: CommandContext, { json, all, limit }: ListOptions): Promise<void> {
  const query = queryOf({ limit, ...(all && { all: 'true' }) });
  const { items } = await (await Client.of(context)).get(`/v1/versions/pinned${query}`, Pins);
  if (json) return context.out(asJson(items));
  const rows = items.map((pin) => [
    pin.id,
    `${pin.service}/${pin.environment}`,
    pin.version,
    shortTime(pin.pinned_at),
    pin.superseded_by === null ? pin.state : `superseded by ${pin.superseded_by}`,
    pin.reason,
  ]);
  context.out(table(['ID', 'SERVICE', 'VERSION', 'PINNED', 'STATE', 'REASON'], rows));
}
