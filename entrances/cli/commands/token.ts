import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import { GrantedAction, TokenRecord } from '../../../schemas/access/access.ts';
import { ROLES } from '../../../schemas/people/people.ts';
import { apiGroup, apiCommand, listOf } from '../api-command.ts';
import { UsageError } from '../command-context.ts';
import { JSON_OPTION, LIMIT_OPTION, collectValues } from '../options.ts';
import { shortTime } from '../table.ts';
import * as z from 'zod';

const TokenView = TokenRecord.extend({ acts_as: z.string().optional() });
/** An older Firebreak returns no `warnings`. */
const CreatedToken = TokenView.extend({ token: z.string(), warnings: z.array(z.string()).default([]) });

export const addToken = apiGroup('token', 'Create, list, and revoke API tokens', [
  apiCommand({
    usage: 'create',
    description: 'Create a token; its secret is shown only once',
    args: [['<name>', 'Name of the person or system that uses the token']],
    options: [
      ['--action <action>', `Permitted action (repeatable): ${GrantedAction.options.join(', ')}`, collectValues],
      ['--role <role>', `Actions of a role (repeatable): ${Object.keys(ROLES).join(', ')}`, collectValues],
      ['--service <name>', 'Only this service (repeatable)', collectValues],
      ['--environment <name>', 'Only this environment (repeatable)', collectValues],
      ['--source <name>', 'Only this alert source (repeatable)', collectValues],
      ['--expires-at <time>', 'Expiry, RFC 3339 (default: none)'],
      JSON_OPTION,
    ],
    call: 'POST /v1/tokens',
    send: ({ name, service, environment, source, expiresAt, ...chosen }) => ({
      name,
      actions: actionsOf(chosen),
      services: service,
      environments: environment,
      sources: source,
      expires_at: expiresAt,
    }),
    response: CreatedToken,
    print: (created) => [created.token],
    notes: ({ id, name, acts_as: actor = name, warnings }, isJson) => [
      ...(isJson
        ? []
        : [
            `${id} for ${name}${actor === name ? '' : `, recorded as ${actor}`}; store the token now, it is not shown again`,
          ]),
      ...warnings.map((warning) => `warning: ${warning}`),
    ],
  }),
  {
    usage: 'list',
    description: 'List tokens without their secrets, newest first',
    options: [LIMIT_OPTION, JSON_OPTION],
    ...listOf('/v1/tokens', TokenView, [
      'id',
      ['NAME', ({ acts_as: actor, name }) => actor ?? name],
      'created_at',
      [
        'EXPIRES',
        ({ revoked_at: revoked, expires_at: expires }) =>
          revoked === undefined ? shortTime(expires) : `revoked ${shortTime(revoked)}`,
      ],
      [
        'SCOPE',
        ({ actions, sources, services, environments }) =>
          [actions, sources, services, environments]
            .map((names) => names?.join(' ') ?? '')
            .filter(Boolean)
            .join(', '),
      ],
    ]),
  },
  {
    usage: 'revoke <id>',
    description: 'Revoke a token',
    call: 'DELETE /v1/tokens/:id',
    print: (_, { id }) => [`${String(id)} is revoked`],
  },
]);

/** Returns the actions of the options and of the named roles. @throws UsageError for an unknown action or role, or none */
function actionsOf({ action = [], role = [] }: { action?: string[]; role?: string[] }): string[] {
  const known = GrantedAction.options;
  const unknown = action.find((name) => !GrantedAction.safeParse(name).success);
  if (unknown !== undefined)
    throw new UsageError(
      `unknown action ${JSON.stringify(unknown)}; use one of ${known.join(', ')}${suggestionText(nearest(unknown, known))}`,
    );
  const actions = role.flatMap((name) => {
    if (Object.hasOwn(ROLES, name)) return ROLES[name as keyof typeof ROLES].actions;
    throw new UsageError(`unknown role ${JSON.stringify(name)}; known roles: ${Object.keys(ROLES).join(', ')}`);
  });
  if (action.length + role.length === 0) throw new UsageError('name at least one --action or --role');
  return [...new Set([...action, ...actions])];
}
