import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';

/** Where a target is, and as whom it is called. */
export type AwsAccess = {
  /** Undefined: the one that Firebreak runs in, as the SDKs find it. */
  region: string | undefined;
  /** Assumed for the call. Undefined: the functions' own role. */
  roleArn: string | undefined;
  /** Of all of its APIs, STS among them. Undefined: AWS itself. */
  endpoint: string | undefined;
};

/** How long STS may take: what is left of an attempt must do for the call itself. */
const ASSUME_TIMEOUT_MS = 5000;

/** One call. An attempt, which is one call or more, ends after 15 s by itself. */
const CALL_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3000;

/**
 * What every client of a target is made with. One try: the waiting and the trying again is the workflow's.
 *
 * `AWS_ENDPOINT_URL_LAMBDA` and its like say where Firebreak's own functions and queues are, which is an emulation on
 * one machine. A target is never there, so they are ignored.
 */
export function clientSettings(access: AwsAccess) {
  const { roleArn, region } = access;
  const place = { ...(region !== undefined && { region }), ...addressOf(access), maxAttempts: 1 };
  const requestHandler = within(CONNECT_TIMEOUT_MS, CALL_TIMEOUT_MS);
  return { ...place, requestHandler, ...(roleArn !== undefined && { credentials: ofRole(roleArn, place) }) };
}

const addressOf = ({ endpoint }: AwsAccess) =>
  endpoint === undefined ? { ignoreConfiguredEndpointUrls: true } : { endpoint };

const ofRole = (roleArn: string, place: object) =>
  fromTemporaryCredentials({
    params: { RoleArn: roleArn, RoleSessionName: 'firebreak' },
    clientConfig: { ...place, requestHandler: within(ASSUME_TIMEOUT_MS, ASSUME_TIMEOUT_MS) },
  });

/** Time limits of a client: the SDK's default is none. A silence while the body arrives counts, too. */
const within = (connectMs: number, callMs: number) => ({
  connectionTimeout: connectMs,
  requestTimeout: callMs,
  socketTimeout: callMs,
  throwOnRequestTimeout: true, // without it the SDK only writes a warning
});

/** One client for each access, for the life of the process: its connections and its role's session are used again. */
export function keptBy<C>(make: (settings: ReturnType<typeof clientSettings>) => C): (access: AwsAccess) => C {
  const clients = new Map<string, C>();
  return (access) => {
    const key = JSON.stringify([access.region, access.roleArn, access.endpoint]);
    const kept = clients.get(key) ?? make(clientSettings(access));
    clients.set(key, kept);
    return kept;
  };
}

/** Whose and where a target is, as far as it is said: for telling two targets of the same name apart. */
export const ownerOf = ({ roleArn, region }: AwsAccess, ...names: string[]): [account: string, region: string] => [
  [...names, roleArn ?? ''].map((name) => /(?:^|:)(\d{12}):/.exec(name)?.[1]).find((id) => id !== undefined) ?? 'own',
  region ?? 'own',
];
