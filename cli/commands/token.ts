import type { Command } from 'commander';
import * as z from 'zod';
import { Action, TokenRecord } from '../../schemas/access/access.ts';
import { ROLES } from '../../schemas/people/people.ts';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION, LIMIT_OPTION, collectValues } from '../options.ts';
import { asJson, shortTime, table } from '../table.ts';
import { UsageError, type CommandContext } from '../command-context.ts';

const TokenView = TokenRecord.extend({ acts_as: z.string().optional() });
const CreatedToken = TokenView.extend({ token: z.string() });
const TokenList = z.object({ items: z.array(TokenView) });

type CreateOptions = {
  action?: string[];
  role?: string[];
  service?: string[];
  environment?: string[];
  source?: string[];
  expiresAt?: string;
  json?: true;
};

export function addToken(program: Command, context: CommandContext): void {
  const token = program.command('token').description('Create, list, and revoke API tokens');
  token
    .command('create')
    .description('Create a token; its secret is shown only once')
    .argument('<name>', 'Name of the person or system that uses the token')
    .option('--action <action>', `Permitted action (repeatable): ${['*', ...Action.options].join(', ')}`, collectValues)
    .option('--role <role>', `Actions of a role (repeatable): ${Object.keys(ROLES).join(', ')}`, collectValues)
    .option('--service <name>', 'Only this service (repeatable)', collectValues)
    .option('--environment <name>', 'Only this environment (repeatable)', collectValues)
    .option('--source <name>', 'Only this alert source (repeatable)', collectValues)
    .option('--expires-at <time>', 'Expiry, RFC 3339 (default: none)')
    .option(...JSON_OPTION)
    .action((name: string, options: CreateOptions) => create(context, name, options));
  token
    .command('list')
    .description('List tokens without their secrets, newest first')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: { limit: number; json?: true }) => list(context, options));
  token
    .command('revoke')
    .description('Revoke a token')
    .argument('<id>')
    .action((id: string) => revoke(context, id));
}

async function create(context: CommandContext, name: string, options: CreateOptions): Promise<void> {
  const { service: services, environment: environments, source: sources, expiresAt, json } = options;
  const actions = actionsOf(options);
  const body = { name, actions, services, environments, sources, expires_at: expiresAt };
  const created = await (await Client.of(context)).post('/v1/tokens', body, CreatedToken);
  context.out(json ? asJson(created) : created.token);
  if (json) return;
  const actor =
    created.acts_as === undefined || created.acts_as === created.name ? '' : `, recorded as ${created.acts_as}`;
  context.err(`${created.id} for ${created.name}${actor}; store the token now, it is not shown again`);
}

/** Returns the actions of the options and of the named roles. @throws UsageError for an unknown action or role, or none */
function actionsOf({ action = [], role = [] }: CreateOptions): string[] {
  const unknown = action.find((name) => name !== '*' && !Action.safeParse(name).success);
  if (unknown !== undefined) throw new UsageError(`unknown action ${JSON.stringify(unknown)}`);
  const actions = role.flatMap((name) => {
    if (Object.hasOwn(ROLES, name)) return ROLES[name as keyof typeof ROLES].actions;
    throw new UsageError(`unknown role ${JSON.stringify(name)}; known roles: ${Object.keys(ROLES).join(', ')}`);
  });
  if (action.length + role.length === 0) throw new UsageError('name at least one --action or --role');
  return [...new Set([...action, ...actions])];
}

async function list(context: CommandContext, { json, ...query }: { limit: number; json?: true }): Promise<void> {
  const { items } = await (await Client.of(context)).get(`/v1/tokens${queryOf(query)}`, TokenList);
  if (json) return context.out(asJson(items));
  const rows = items.map((token) => [
    token.id,
    token.acts_as ?? token.name,
    shortTime(token.created_at),
    token.revoked_at === undefined ? shortTime(token.expires_at) : `revoked ${shortTime(token.revoked_at)}`,
    [token.actions, token.sources, token.services, token.environments]
      .map((names) => names?.join(' ') ?? '')
      .filter(Boolean)
      .join(', '),
  ]);
  context.out(table(['ID', 'NAME', 'CREATED', 'EXPIRES', 'SCOPE'], rows));
}

async function revoke(context: CommandContext, id: string): Promise<void> {
  await (await Client.of(context)).delete(`/v1/tokens/${encodeURIComponent(id)}`);
  context.out(`${id} is revoked`);
}
