import { SECRET_GROUPS, type SecretGroup as StoredGroup, type Variable } from '../../schemas/config/variable.ts';
import { type VariableName, VARIABLES } from '../../schemas/config/variables.ts';
import { PROJECTION_TARGETS, type Target, TARGETS } from '../../schemas/incidents/projection.ts';

/**
 * Defines which functions may read which secrets, for `sst.config.ts`, the local start, and the functions. A group is
 * one parameter below 4 KB, so that a function reads all its secrets in one call. The table of variables names the group
 * of each.
 */

/** The name under which functions without credentials read whether a projection target is connected. */
export const connectedName = (target: Target): string => `CONNECTED_${target.toUpperCase()}`;

/** A projection target is connected when all of these secrets are set. */
const CONNECTED = TARGETS.flatMap((target): [string, readonly VariableName[]][] => {
  const { credentials } = PROJECTION_TARGETS[target];
  return credentials.length === 0 ? [] : [[connectedName(target), credentials]];
});

export type SecretGroup = StoredGroup | 'connected';

const STORED = Object.entries<Variable>(VARIABLES).flatMap(([name, { chapter, group }]) =>
  group === undefined ? [] : [{ name, chapter, group }],
);

/** All secrets that a deployment can set. Addresses of stand-ins exist only in the sandbox. */
export const SETTABLE: readonly string[] = STORED.filter(({ chapter }) => chapter !== 'emulation')
  .map(({ name }) => name)
  .toSorted();

/** `named`: secrets whose names a configuration or a runbook chose. Each is a parameter of its own. */
export type Grant = SecretGroup | 'named';
export const ALL_GRANTS: readonly Grant[] = [...SECRET_GROUPS, 'connected', 'named'];

const GROUP_OF = new Map<string, SecretGroup>([
  ...STORED.map(({ name, group }) => [name, group] as const),
  ...CONNECTED.map(([name]) => [name, 'connected'] as const),
]);

/** Returns the group of a secret, or undefined for a name that a configuration or a runbook chose. */
export const groupOf = (name: string): SecretGroup | undefined => GROUP_OF.get(name);

/** Grants of each function. `test/infra/secret-grants.test.ts` compares them with what each function uses. */
export const FUNCTION_GRANTS = {
  http: ALL_GRANTS,
  slack: ['slack', 'slack-signing'],
  hear: ['slack', 'pagerduty', 'observability', 'github', 'delivery', 'connected', 'named'],
  route: ['observability', 'connected'],
  project: ['slack', 'pagerduty', 'statuspage', 'grafana', 'github', 'connected', 'named'],
  sweep: ['pagerduty', 'observability', 'github', 'signing', 'audit', 'connected', 'named'],
  evaluate: ['observability', 'connected'],
  digest: ['slack', 'mail', 'connected'],
  'incident-response': ['slack', 'pagerduty', 'observability', 'github', 'delivery', 'connected', 'named'],
} as const satisfies Record<string, readonly Grant[]>;

/**
 * Returns the parameters that hold these secrets, by their names below the path.
 *
 * @param secrets only those that are set
 */
export function parametersFor(secrets: Readonly<Record<string, string>>): Record<string, string> {
  const connected = CONNECTED.filter(([, names]) => names.every((name) => secrets[name]));
  const all = [...Object.entries(secrets), ...connected.map(([name]) => [name, 'yes'] as const)];
  const grouped = Map.groupBy(all, ([name]) => groupOf(name));
  return Object.fromEntries(
    [...grouped].flatMap(([group, entries]) =>
      group === undefined
        ? entries.map(([name, value]) => [namedParameter(name), value])
        : [[group, JSON.stringify(Object.fromEntries(entries))]],
    ),
  );
}

export const namedParameter = (name: string): string => `named/${name}`;

/** Folder in the bucket that holds a function's encrypted copy of the last secrets that it read. */
export const copyFolder = (grants: readonly Grant[]): string => `secrets/${[...grants].toSorted().join('.')}`;
