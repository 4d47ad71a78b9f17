import { featureTargets } from '../../../features/names.ts';
import type { Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { Variable } from '../../../schemas/config/variable.ts';
import { type VariableName, VARIABLES } from '../../../schemas/config/variables.ts';
import { type ConnectionNote, VENDORS } from '../../../schemas/config/vendors.ts';
import { targetOf, ROLLBACK_TARGETS } from '../../../schemas/rollback/targets.ts';

/** A group of addresses that are all real or all stand-ins. */
export type VendorId = (typeof VENDORS)[number]['vendor'] | (typeof ROLLBACK_TARGETS)[number]['vendor'];

/** Connection of Firebreak to a vendor. */
export type VendorConnection = Omit<Connection, 'publicUrl'> & {
  /** Public address, used if `url` is not set: the default of that setting. Null: none, so `url` is required. */
  publicUrl: string | null;
};

type Connection = ConnectionNote & {
  vendor: VendorId;
  url: VariableName;
  credentials: readonly (readonly VariableName[])[];
  also?: readonly VariableName[];
};

const standardOf = (name: VariableName): string | null => (VARIABLES[name] as Variable).standard ?? null;

/** The connections of rollback targets. Those whose credentials only the catalogue names come last. */
const TARGET_CONNECTIONS = ROLLBACK_TARGETS.map(({ vendor, connection }): Connection => ({ vendor, ...connection }));
export const TRIED_BY_ROLLBACKS = TARGET_CONNECTIONS.filter(({ credentials }) => credentials.length === 0);
export const TARGETS_WITH_CREDENTIALS = TARGET_CONNECTIONS.filter(({ credentials }) => credentials.length > 0);

const OTHER_CONNECTIONS = VENDORS.flatMap(({ vendor, connections }) =>
  connections.map((connection): Connection => ({ vendor, ...connection })),
);

/**
 * The list of vendors: `npm start`, `GET /v1/connections`, `firebreak doctor`, and docs/reference/sandbox.md are derived from it.
 */
export const VENDOR_CONNECTIONS: readonly VendorConnection[] = [
  ...OTHER_CONNECTIONS.filter(({ readOnly }) => !readOnly),
  ...TARGETS_WITH_CREDENTIALS,
  ...TRIED_BY_ROLLBACKS,
  ...OTHER_CONNECTIONS.filter(({ readOnly }) => readOnly),
].map((connection) => ({ publicUrl: standardOf(connection.url), ...connection }));

/** Returns the public address of a vendor, by the setting with its address. */
export const defaultUrl = (url: string): string | undefined =>
  VENDOR_CONNECTIONS.find((connection) => connection.url === url)?.publicUrl ?? undefined;

/** Returns the public address of a vendor. @throws if it has none */
export function publicUrl(url: string): string {
  const found = defaultUrl(url);
  if (found === undefined) throw new Error(`${url} has no default`);
  return found;
}

/**
 * The vendors that targets of the catalogue use, each with the credentials that the catalogue names instead of the
 * vendor's own setting.
 */
export type NamedCredentials = Partial<Record<VendorId, readonly string[]>>;

/**
 * Collects the used vendors with the named credentials. Targets with an address of their own are excluded, because they
 * don't use the vendor's address.
 */
export function namedCredentials(services: Config['services']): NamedCredentials {
  const named = Object.values(services)
    .flatMap(({ environments }) => Object.values(environments))
    .flatMap(({ deployer, flags, imageAutomation, reroute = {}, ...more }) => [
      deployer,
      flags,
      imageAutomation,
      ...featureTargets(more),
      ...Object.values(reroute),
    ])
    .flatMap((target): [VendorId, string[]][] => {
      if (target === undefined || ('url' in target && target.url !== undefined)) return [];
      const vendor = 'vendor' in target ? target.vendor : vendorOfTarget(target.kind);
      if (vendor === null) return [];
      const auth = 'auth' in target ? target.auth : undefined;
      if (auth === undefined) return [[vendor, []]];
      return [[vendor, ['bearer' in auth ? auth.bearer : auth.webhookSignature]]];
    });
  return Object.fromEntries(
    [...Map.groupBy(named, ([vendor]) => vendor)].map(([vendor, all]) => [
      vendor,
      [...new Set(all.flatMap(([, names]) => names))],
    ]),
  );
}

/** Vendors of kinds that are no deployers. */
const OTHER_KINDS = { flux: 'kubernetes', 'gateway-api': 'kubernetes', route53: 'aws' } as const;

const isOtherKind = (kind: string): kind is keyof typeof OTHER_KINDS => Object.hasOwn(OTHER_KINDS, kind);

const vendorOfTarget = (kind: keyof typeof OTHER_KINDS | NonNullable<Target>['kind']): VendorId =>
  isOtherKind(kind) ? OTHER_KINDS[kind] : vendorOf(kind);

/** Returns the vendor of a kind of deployer or flag service. Flags of `kind: http` always have their own address. */
export const vendorOf = (kind: NonNullable<Target>['kind']): VendorId => targetOf(kind).vendor;

type Target = EnvironmentEntry['deployer'] | EnvironmentEntry['flags'];

/** Returns a setting or secret; undefined if it is empty. */
type GetSetting = (name: string) => string | undefined;

/**
 * Returns whether a vendor gets a stand-in in the sandbox: neither its address nor any credential is set. A secret that
 * only verifies the vendor's webhooks does not count.
 */
export const hasNoSettings = (vendor: VendorId, getSetting: GetSetting, named: NamedCredentials = {}): boolean =>
  VENDOR_CONNECTIONS.filter((connection) => connection.vendor === vendor).every(
    ({ url, credentials }) => !getSetting(url) && !credentials.flat().some((name) => getSetting(name)),
  ) && !(named[vendor] ?? []).some((name) => getSetting(name));

/** Returns whether the vendor of a variable is replaced by a stand-in. */
export async function isOfStandIn(
  variable: string,
  getSetting: (name: string) => Promise<string | undefined>,
  standIns: StandIns,
): Promise<boolean> {
  const owner = [...VENDORS, ...ROLLBACK_TARGETS].find(({ variables }) => Object.hasOwn(variables, variable));
  const addresses = VENDOR_CONNECTIONS.filter(({ vendor }) => vendor === owner?.vendor).map(({ url }) => url);
  return (await Promise.all(addresses.map(getSetting))).some((address) => standIns.at(address));
}

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
  /** What is missing, as text. Null: nothing. */
  missing: string | null;
  readOnly: boolean;
};

/** @param isStandIn returns whether a stand-in listens at an address */
export const vendorStates = (
  getSetting: GetSetting,
  isStandIn: (address: string) => boolean,
  named: NamedCredentials = {},
): VendorState[] => VENDOR_CONNECTIONS.map((connection) => stateOf(connection, getSetting, isStandIn, named));

function stateOf(
  { vendor, name, url, publicUrl: standard, credentials, also = [], readOnly }: VendorConnection,
  getSetting: GetSetting,
  isStandIn: (address: string) => boolean,
  named: NamedCredentials,
): VendorState {
  const usedAddress = getSetting(url) || standard;
  const completeSet = credentials.find((all) => all.every((setting) => getSetting(setting)));
  const catalogueCredentials = (named[vendor] ?? []).filter((setting) => getSetting(setting));
  const expected = credentials.map((all) => all.join(' and ')).join(', or ');
  // Without an address or a credential, only a target shows that the vendor is used.
  const isUnused = credentials.length === 0 && !getSetting(url) && standard !== null && named[vendor] === undefined;
  const missing = [
    ...(usedAddress === null ? [url] : []),
    ...(credentials.length > 0 && completeSet === undefined && catalogueCredentials.length === 0 ? [expected] : []),
    ...also.filter((setting) => !getSetting(setting)),
  ];
  const state = {
    vendor,
    name,
    readOnly: readOnly === true,
    credentials: [...(completeSet ?? []), ...catalogueCredentials],
  };
  if (isUnused) return { ...state, mode: 'off', address: null, missing: 'no service has such a target' };
  if (usedAddress === null || missing.length > 0) {
    const notSet = `${missing.join(' and ')} ${missing.length > 1 || expected.includes(' ') ? 'are' : 'is'} not set`;
    return { ...state, mode: 'off', address: null, missing: notSet };
  }
  return {
    ...state,
    mode: isStandIn(usedAddress) ? 'stand-in' : 'real',
    address: originOf(usedAddress),
    missing: null,
  };
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
