import { hkdfSync } from 'node:crypto';
import { SECRET_GROUPS, type SecretGroup as StoredGroup, type Variable } from '../../schemas/config/variable.ts';
import { type VariableName, VARIABLES } from '../../schemas/config/variables.ts';
import {
  PROJECTION_TARGETS,
  type ProjectionTargetName,
  PROJECTION_TARGET_NAMES,
} from '../../schemas/incidents/projection.ts';
import type { FunctionName } from './functions.ts';

/**
 * Defines which functions may read which secrets, for `sst.config.ts`, the local start, and the functions. A group is
 * one parameter below 4 KB, so that a function reads all its secrets in one call. The table of variables names the group
 * of each.
 */

/** The name under which functions without credentials read whether a projection target is connected. */
export const connectedName = (target: ProjectionTargetName): string => `CONNECTED_${target.toUpperCase()}`;

/** A projection target is connected when all of these secrets are set. */
const CONNECTED = PROJECTION_TARGET_NAMES.flatMap((target): [string, readonly VariableName[]][] => {
  const { credentials } = PROJECTION_TARGETS[target];
  return credentials.length === 0 ? [] : [[connectedName(target), credentials]];
});

/** Signs links to questions. Derived from the admin token, which functions that only write links may not read. */
export const LINK_KEY = 'APPROVAL_LINK_KEY';
const LINK_KEY_FROM = 'FIREBREAK_ADMIN_TOKEN' satisfies VariableName;
const LINK_KEY_PURPOSE = 'firebreak approval links v1';

const linkKeyOf = (adminToken: string): string =>
  Buffer.from(hkdfSync('sha256', adminToken, '', LINK_KEY_PURPOSE, 32)).toString('base64');

/** `connected` and `links` are derived from the others. */
export type SecretGroup = StoredGroup | 'connected' | 'links';

const STORED = Object.entries<Variable>(VARIABLES).flatMap(([name, { chapter, group }]) =>
  group === undefined ? [] : [{ name, chapter, group }],
);

/** All secrets that a deployment can set. Addresses of stand-ins exist only in the sandbox. */
export const SETTABLE: readonly string[] = STORED.filter(({ chapter }) => chapter !== 'targets')
  .map(({ name }) => name)
  .toSorted();

/** `named`: secrets whose names a configuration or a runbook chose. Each is a parameter of its own. */
export type Grant = SecretGroup | 'named';
export const ALL_GRANTS: readonly Grant[] = [...SECRET_GROUPS, 'connected', 'links', 'named'];

const GROUP_OF = new Map<string, SecretGroup>([
  ...STORED.map(({ name, group }) => [name, group] as const),
  ...CONNECTED.map(([name]) => [name, 'connected'] as const),
  [LINK_KEY, 'links'],
]);

/** Returns the group of a secret, or undefined for a name that a configuration or a runbook chose. */
export const groupOf = (name: string): SecretGroup | undefined => GROUP_OF.get(name);

/** Grants of each function. `test/platforms/infra/secret-grants.test.ts` compares them with what each function uses. */
export const FUNCTION_GRANTS = {
  http: ALL_GRANTS,
  console: ['access', 'pagerduty', 'observability', 'audit', 'prose', 'connected', 'links'],
  // They need none. The smallest group says only which vendors are connected.
  status: ['connected'],
  subscriptions: ['connected'],
  snapshot: ['connected'],
  slack: ['slack', 'slack-signing'],
  inbound: ['slack', 'pagerduty', 'observability', 'github', 'delivery', 'connected', 'links', 'named'],
  route: ['observability', 'connected'],
  project: ['slack', 'pagerduty', 'statuspage', 'grafana', 'github', 'delivery', 'mail', 'connected', 'links', 'named'],
  sweep: [
    'pagerduty',
    'observability',
    'grafana',
    'github',
    'trackers',
    'delivery',
    'signing',
    'audit',
    'connected',
    'links',
    'named',
  ],
  evaluate: ['observability', 'connected'],
  digest: ['slack', 'mail', 'connected', 'links'],
  'incident-response': ['slack', 'pagerduty', 'observability', 'github', 'delivery', 'connected', 'links', 'named'],
} as const satisfies Record<FunctionName, readonly Grant[]>;

type SetSecrets = Readonly<Record<string, string | undefined>>;

/** Secrets that are not set but derived from others. Undefined: those are not set. */
const DERIVED: ReadonlyMap<string, (secrets: SetSecrets) => string | undefined> = new Map([
  ...CONNECTED.map(
    ([name, from]) => [name, (secrets: SetSecrets) => (from.every((one) => secrets[one]) ? 'yes' : undefined)] as const,
  ),
  [LINK_KEY, ({ [LINK_KEY_FROM]: adminToken }) => (adminToken ? linkKeyOf(adminToken) : undefined)],
]);

/** Returns a secret of those that are set, or one that is derived from them. */
export function secretOf(name: string, secrets: SetSecrets): string | undefined {
  const derive = DERIVED.get(name);
  return derive === undefined ? secrets[name] : derive(secrets);
}

/**
 * Returns the parameters that hold these secrets and those that are derived from them, by their names below the path.
 *
 * @param secrets only those that are set
 */
export function parametersFor(secrets: Readonly<Record<string, string>>): Record<string, string> {
  const all = [...Object.keys(secrets), ...DERIVED.keys()].flatMap((name) => {
    const value = secretOf(name, secrets);
    return value === undefined ? [] : [[name, value] as const];
  });
  const membersOf = (group: SecretGroup) => Object.fromEntries(all.filter(([name]) => groupOf(name) === group));
  return Object.fromEntries(
    all.map(([name, value]) => {
      const group = groupOf(name);
      return group === undefined ? [namedParameter(name), value] : [group, JSON.stringify(membersOf(group))];
    }),
  );
}

export const namedParameter = (name: string): string => `named/${name}`;

/** Folder in the bucket that holds a function's encrypted copy of the last secrets that it read. */
export const copyFolder = (grants: readonly Grant[]): string => `secrets/${[...grants].toSorted().join('.')}`;
