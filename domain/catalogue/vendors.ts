import type { Config, EnvironmentEntry } from '../../schemas/config/config.ts';
import { type VariableName, VARIABLES } from '../../schemas/config/variables.ts';

/** A group of addresses that are all real or all stand-ins. Most IDs are also names of stand-ins. */
export type VendorId =
  | 'pagerduty'
  | 'slack'
  | 'statuspage'
  | 'mail'
  | 'grafana'
  | 'github'
  | 'argo-cd'
  | 'kubernetes'
  | 'launchdarkly'
  | 'cd'
  | 'aws'
  | 'prometheus'
  | 'alertmanager';

/** Connection of Firebreak to a vendor. */
export type VendorConnection = {
  vendor: VendorId;
  /** Name as shown by `npm start` and `firebreak doctor`. */
  name: string;
  /** Setting with its address. */
  url: VariableName;
  /** Public address, used if `url` is not set. Null: none, so `url` is required. */
  publicUrl: string | null;
  /** Alternative sets of settings for authentication. Empty: none. */
  credentials: readonly (readonly VariableName[])[];
  /** Other required settings. */
  also?: readonly VariableName[];
  /** Firebreak only reads from the vendor. */
  readOnly?: true;
};

/**
 * The list of vendors: `npm start`, `GET /v1/connections`, `firebreak doctor`, and docs/reference/sandbox.md are derived from it.
 */
export const VENDOR_CONNECTIONS: readonly VendorConnection[] = [
  {
    vendor: 'pagerduty',
    name: 'PagerDuty pages',
    url: 'PAGERDUTY_EVENTS_URL',
    publicUrl: VARIABLES.PAGERDUTY_EVENTS_URL.standard,
    credentials: [['PAGERDUTY_ROUTING_KEY']],
  },
  {
    vendor: 'pagerduty',
    name: 'PagerDuty API',
    url: 'PAGERDUTY_API_URL',
    publicUrl: VARIABLES.PAGERDUTY_API_URL.standard,
    credentials: [['PAGERDUTY_API_TOKEN']],
  },
  {
    vendor: 'slack',
    name: 'Slack',
    url: 'SLACK_API_URL',
    publicUrl: VARIABLES.SLACK_API_URL.standard,
    credentials: [['SLACK_BOT_TOKEN']],
  },
  {
    vendor: 'statuspage',
    name: 'Statuspage',
    url: 'STATUSPAGE_API_URL',
    publicUrl: VARIABLES.STATUSPAGE_API_URL.standard,
    credentials: [['STATUSPAGE_API_KEY']],
    also: ['STATUSPAGE_PAGE_ID'],
  },
  { vendor: 'mail', name: 'mail', url: 'SMTP_URL', publicUrl: null, credentials: [], also: ['MAIL_FROM'] },
  {
    vendor: 'grafana',
    name: 'Grafana annotations',
    url: 'GRAFANA_URL',
    publicUrl: null,
    credentials: [['GRAFANA_TOKEN']],
  },
  {
    vendor: 'github',
    name: 'GitHub',
    url: 'GITHUB_API_URL',
    publicUrl: VARIABLES.GITHUB_API_URL.standard,
    credentials: [['GITHUB_TOKEN'], ['GITHUB_APP_ID', 'GITHUB_APP_PRIVATE_KEY']],
  },
  { vendor: 'argo-cd', name: 'Argo CD', url: 'ARGOCD_URL', publicUrl: null, credentials: [['ARGOCD_TOKEN']] },
  {
    vendor: 'kubernetes',
    name: 'Kubernetes',
    url: 'KUBERNETES_URL',
    publicUrl: null,
    credentials: [['KUBERNETES_TOKEN']],
  },
  {
    vendor: 'launchdarkly',
    name: 'LaunchDarkly',
    url: 'LAUNCHDARKLY_API_URL',
    publicUrl: VARIABLES.LAUNCHDARKLY_API_URL.standard,
    credentials: [['LAUNCHDARKLY_TOKEN']],
  },
  // The credential of a CD system is the one named by a deployer in the catalogue, if any.
  { vendor: 'cd', name: 'CD system', url: 'CD_URL', publicUrl: null, credentials: [] },
  // AWS has an endpoint per service and region; the SDK determines endpoints and credentials.
  { vendor: 'aws', name: 'AWS targets', url: 'AWS_TARGETS_URL', publicUrl: 'https://amazonaws.com', credentials: [] },
  {
    vendor: 'prometheus',
    name: 'Prometheus',
    url: 'PROMETHEUS_URL',
    publicUrl: null,
    credentials: [],
    readOnly: true,
  },
  {
    vendor: 'alertmanager',
    name: 'Alertmanager',
    url: 'ALERTMANAGER_URL',
    publicUrl: null,
    credentials: [],
    readOnly: true,
  },
];

/** Returns the public address of a vendor. @throws if it has none */
export function publicUrl(url: string): string {
  const found = VENDOR_CONNECTIONS.find((one) => one.url === url)?.publicUrl;
  if (found == null) throw new Error(`${url} has no default`);
  return found;
}

/** Credentials by vendor that the catalogue names instead of the vendor's own setting. */
export type NamedCredentials = Partial<Record<VendorId, readonly string[]>>;

/**
 * Collects the named credentials. Entries with an address of their own are excluded, because they don't use the
 * vendor's address.
 */
export function namedCredentials(services: Config['services']): NamedCredentials {
  const named = Object.values(services)
    .flatMap(({ environments }) => Object.values(environments))
    .flatMap(({ deployer, flags }) => [deployer, flags])
    .flatMap((target): [VendorId, string][] => {
      if (target === undefined || !('auth' in target) || target.auth === undefined) return [];
      const vendor = vendorOf(target.kind);
      if (vendor === undefined || ('url' in target && target.url !== undefined)) return [];
      return [[vendor, 'bearer' in target.auth ? target.auth.bearer : target.auth.webhookSignature]];
    });
  return Object.fromEntries(
    [...Map.groupBy(named, ([vendor]) => vendor)].map(([vendor, all]) => [
      vendor,
      [...new Set(all.map(([, name]) => name))],
    ]),
  );
}

const VENDOR_OF: Partial<Record<string, VendorId>> = {
  'argo-cd': 'argo-cd',
  github: 'github',
  kubernetes: 'kubernetes',
  'argo-rollouts': 'kubernetes',
  flagger: 'kubernetes',
  launchdarkly: 'launchdarkly',
  'lambda-alias': 'aws',
  ecs: 'aws',
  codedeploy: 'aws',
};

/** Returns the vendor of a kind of deployer or flag service. Flags of `kind: http` always have their own address. */
export const vendorOf = (kind: NonNullable<Target>['kind']): VendorId | undefined =>
  kind === 'http' ? 'cd' : VENDOR_OF[kind];

type Target = EnvironmentEntry['deployer'] | EnvironmentEntry['flags'];

/** Returns a setting or secret; undefined if it is empty. */
type Get = (name: string) => string | undefined;

/**
 * Returns whether a vendor gets a stand-in in the sandbox: neither its address nor any credential is set. A secret that
 * only verifies the vendor's webhooks does not count.
 */
export const nothingIsSet = (vendor: VendorId, get: Get, named: NamedCredentials = {}): boolean =>
  VENDOR_CONNECTIONS.filter((one) => one.vendor === vendor).every(
    ({ url, credentials }) => !get(url) && !credentials.flat().some((name) => get(name)),
  ) && !(named[vendor] ?? []).some((name) => get(name));

/** Mode of a connection: the vendor itself, a stand-in, or off with a reason. */
export type VendorMode = 'real' | 'stand-in' | 'off';
export type VendorState = {
  name: string;
  vendor: VendorId;
  mode: VendorMode;
  /** Without path and password. Null: off. */
  address: string | null;
  /** Names of the settings used for authentication. */
  credentials: string[];
  /** Missing settings, as text. Null: none. */
  missing: string | null;
  readOnly: boolean;
};

/** @param isStandIn returns whether a stand-in listens at an address */
export const vendorStates = (
  get: Get,
  isStandIn: (address: string) => boolean,
  named: NamedCredentials = {},
): VendorState[] => VENDOR_CONNECTIONS.map((one) => stateOf(one, get, isStandIn, named));

function stateOf(
  { vendor, name, url, publicUrl: standard, credentials, also = [], readOnly }: VendorConnection,
  get: Get,
  isStandIn: (address: string) => boolean,
  named: NamedCredentials,
): VendorState {
  const at = get(url) || standard;
  const own = credentials.find((all) => all.every((setting) => get(setting)));
  const others = (named[vendor] ?? []).filter((setting) => get(setting));
  const wanted = credentials.map((all) => all.join(' and ')).join(', or ');
  const missing = [
    ...(at === null ? [url] : []),
    ...(credentials.length > 0 && own === undefined && others.length === 0 ? [wanted] : []),
    ...also.filter((setting) => !get(setting)),
  ];
  const state = { vendor, name, readOnly: readOnly === true, credentials: [...(own ?? []), ...others] };
  if (at === null || missing.length > 0) {
    const notSet = `${missing.join(' and ')} ${missing.length > 1 || wanted.includes(' ') ? 'are' : 'is'} not set`;
    return { ...state, mode: 'off', address: null, missing: notSet };
  }
  return { ...state, mode: isStandIn(at) ? 'stand-in' : 'real', address: originOf(at), missing: null };
}

/** Returns scheme, host, and port: the rest of an address may be secret. */
function originOf(address: string): string {
  const url = URL.parse(address);
  return url === null ? '(not a URL)' : `${url.protocol}//${url.host}`;
}

/** Addresses of stand-ins. On AWS there are none. */
export type StandIns = { none: boolean; at(address: string | undefined): boolean };

export function standInsAt(addresses: readonly string[]): StandIns {
  const origins = new Set(addresses.filter((address) => address !== '').map(originOf));
  return { none: origins.size === 0, at: (address) => address !== undefined && origins.has(originOf(address)) };
}

/** Returns the note that is added to every text about an action at a stand-in. */
export const standInNote = (kind: string): string =>
  kind.startsWith('page')
    ? ' (at the sandbox’s stand-in for PagerDuty: nobody was notified)'
    : ' (at a stand-in of the sandbox: no real system was changed)';
