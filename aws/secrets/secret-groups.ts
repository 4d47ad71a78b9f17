import type { VariableName } from '../../schemas/config/variables.ts';

/**
 * Defines which secrets are stored together and which functions may read them, for `sst.config.ts`, the local start,
 * and the functions. A group is one parameter below 4 KB, so that a function reads all its secrets in one call.
 */

const SECRET_GROUPS = {
  /** Credentials for the public address. */
  access: ['FIREBREAK_ADMIN_TOKEN', 'FIREBREAK_ADMIN_TOKEN_PREVIOUS', 'FIREBREAK_INGEST_TOKEN'],
  signing: ['FIREBREAK_SIGNING_KEY', 'FIREBREAK_SIGNING_KEY_PREVIOUS'],
  /** Only functions that seal or check the audit log have its keys, not those that write entries. */
  audit: ['FIREBREAK_AUDIT_KEY', 'FIREBREAK_AUDIT_KEY_PREVIOUS'],
  /** Secrets that check the signatures of senders. */
  senders: ['GITHUB_WEBHOOK_SECRET', 'GRAFANA_TIMESTAMP_HEADER', 'GRAFANA_WEBHOOK_SECRET', 'PAGERDUTY_WEBHOOK_SECRET'],
  slack: ['SLACK_API_URL', 'SLACK_BOT_TOKEN'],
  'slack-signing': ['SLACK_SIGNING_SECRET'],
  pagerduty: [
    'PAGERDUTY_API_TOKEN',
    'PAGERDUTY_API_URL',
    'PAGERDUTY_EVENTS_URL',
    'PAGERDUTY_FROM',
    'PAGERDUTY_ROUTING_KEY',
  ],
  statuspage: ['STATUSPAGE_API_KEY', 'STATUSPAGE_API_URL', 'STATUSPAGE_PAGE_ID'],
  grafana: ['GRAFANA_TOKEN', 'GRAFANA_URL'],
  observability: ['ALERTMANAGER_URL', 'PROMETHEUS_URL'],
  mail: ['MAIL_FROM', 'SMTP_URL'],
  github: ['GITHUB_API_URL', 'GITHUB_APP_ID', 'GITHUB_APP_PRIVATE_KEY', 'GITHUB_TOKEN'],
  delivery: [
    'ARGOCD_TOKEN',
    'ARGOCD_URL',
    'AWS_TARGETS_URL',
    'CD_URL',
    'KUBERNETES_TOKEN',
    'KUBERNETES_URL',
    'LAUNCHDARKLY_API_URL',
    'LAUNCHDARKLY_TOKEN',
  ],
  /** Which vendors are connected, for functions that need to know that but not the credentials. */
  connected: ['CONNECTED_GRAFANA', 'CONNECTED_SLACK', 'CONNECTED_STATUSPAGE'],
} as const satisfies Record<string, readonly (VariableName | `CONNECTED_${string}`)[]>;

/**
 * All secrets that a deployment can set. `connected` is derived from them, and stand-ins of targets exist only in the
 * sandbox.
 */
export const SETTABLE: readonly string[] = Object.entries(SECRET_GROUPS)
  .flatMap(([group, names]): readonly string[] => (group === 'connected' ? [] : names))
  .filter((name) => name !== 'AWS_TARGETS_URL');

export type SecretGroup = keyof typeof SECRET_GROUPS;
export const GROUPS = Object.keys(SECRET_GROUPS) as SecretGroup[];

/** `named`: secrets whose names a configuration or a runbook chose. Each is a parameter of its own. */
export type Grant = SecretGroup | 'named';
export const ALL_GRANTS: readonly Grant[] = [...GROUPS, 'named'];

const GROUP_OF = new Map<string, SecretGroup>(
  GROUPS.flatMap((group) => SECRET_GROUPS[group].map((name) => [name, group] as const)),
);

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

/** A vendor is connected when all of these secrets are set. */
const CONNECTED: Record<(typeof SECRET_GROUPS.connected)[number], readonly string[]> = {
  CONNECTED_GRAFANA: ['GRAFANA_TOKEN', 'GRAFANA_URL'],
  CONNECTED_SLACK: ['SLACK_BOT_TOKEN'],
  CONNECTED_STATUSPAGE: ['STATUSPAGE_API_KEY'],
};

/**
 * Returns the parameters that hold these secrets, by their names below the path.
 *
 * @param secrets only those that are set
 */
export function parametersFor(secrets: Readonly<Record<string, string>>): Record<string, string> {
  const connected = Object.entries(CONNECTED).filter(([, names]) => names.every((name) => secrets[name]));
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
