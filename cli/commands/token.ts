import type { Command } from 'commander';
import * as z from 'zod';
import { Action, TokenRecord } from '../../schemas/access/access.ts';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION, collectValues } from '../options.ts';
import { asJson, shortTime, table } from '../table.ts';
import { UsageError, type World } from '../world.ts';

const TokenView = TokenRecord.extend({ acts_as: z.string().optional() });
const CreatedToken = TokenView.extend({ token: z.string() });
const TokenList = z.object({ items: z.array(TokenView) });

type CreateOptions = {
  action: string[];
  service?: string[];
  environment?: string[];
  source?: string[];
  expiresAt?: string;
  json?: true;
};

export function addToken(program: Command, world: World): void {
  const token = program.command('token').description('Create, list, and revoke API tokens');
  token
    .command('create')
    .description('Create a token; its secret is shown only once')
    .argument('<name>', 'Name of the person or system that uses the token')
    .requiredOption(
      '--action <action>',
      `Permitted action (repeatable): ${['*', ...Action.options].join(', ')}`,
      collectValues,
    )
    .option('--service <name>', 'Only this service (repeatable)', collectValues)
    .option('--environment <name>', 'Only this environment (repeatable)', collectValues)
    .option('--source <name>', 'Only this alert source (repeatable)', collectValues)
    .option('--expires-at <time>', 'Expiry, RFC 3339 (default: none)')
    .option(...JSON_OPTION)
    .action((name: string, options: CreateOptions) => create(world, name, options));
  token
    .command('list')
    .description('List tokens without their secrets, newest first')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: { limit: number; json?: true }) => list(world, options));
  token
    .command('revoke')
    .description('Revoke a token')
    .argument('<id>')
    .action((id: string) => revoke(world, id));
}

async function create(world: World, name: string, options: CreateOptions): Promise<void> {
  const { action: actions, service: services, environment: environments, source: sources, expiresAt, json } = options;
  const unknown = actions.find((action) => action !== '*' && !Action.safeParse(action).success);
  if (unknown !== undefined) throw new UsageError(`unknown action ${JSON.stringify(unknown)}`);
  const body = { name, actions, services, environments, sources, expires_at: expiresAt };
  const created = await (await Client.of(world)).post('/v1/tokens', body, CreatedToken);
  world.out(json ? asJson(created) : created.token);
  if (json) return;
  const actor =
    created.acts_as === undefined || created.acts_as === created.name ? '' : `, recorded as ${created.acts_as}`;
  world.err(`${created.id} for ${created.name}${actor}; store the token now, it is not shown again`);
}

async function list(world: World, { json, ...query }: { limit: number; json?: true }): Promise<void> {
  const { items } = await (await Client.of(world)).get(`/v1/tokens${queryOf(query)}`, TokenList);
  if (json) return world.out(asJson(items));
  const rows = items.map((one) => [
    one.id,
    one.acts_as ?? one.name,
    shortTime(one.created_at),
    one.revoked_at === undefined ? shortTime(one.expires_at) : `revoked ${shortTime(one.revoked_at)}`,
    [one.actions, one.sources, one.services, one.environments]
      .map((names) => names?.join(' ') ?? '')
      .filter(Boolean)
      .join(', '),
  ]);
  world.out(table(['ID', 'NAME', 'CREATED', 'EXPIRES', 'SCOPE'], rows));
}

async function revoke(world: World, id: string): Promise<void> {
  await (await Client.of(world)).delete(`/v1/tokens/${encodeURIComponent(id)}`);
  world.out(`${id} is revoked`);
}
