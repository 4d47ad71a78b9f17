import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';

/** The location of a target, and the role for calls to it. */
export type AwsAccess = {
  /** Undefined for Firebreak's own region, as the SDKs find it. */
  region: string | undefined;
  /** The role that is assumed for the call; undefined for the functions' own role. */
  roleArn: string | undefined;
  /** The endpoint of all APIs of the target, including STS; undefined for AWS itself. */
  endpoint: string | undefined;
};

/** Milliseconds for the call to STS. The remaining time of an attempt must suffice for the call itself. */
const ASSUME_TIMEOUT_MS = 5000;

/** Milliseconds for one call. An attempt, which can have several calls, ends after 15 s. */
const CALL_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3000;

/**
 * Returns the settings of every client of a target. The client doesn't retry: the workflow waits and retries.
 *
 * Ignores `AWS_ENDPOINT_URL_LAMBDA` and similar variables. They are for Firebreak's own functions and queues; a target
 * never runs there.
 */
export function clientSettings(access: AwsAccess) {
  const { roleArn, region } = access;
  const clientOptions = { ...(region !== undefined && { region }), ...endpointSettings(access), maxAttempts: 1 };
  const requestHandler = timeouts(CONNECT_TIMEOUT_MS, CALL_TIMEOUT_MS);
  return {
    ...clientOptions,
    requestHandler,
    ...(roleArn !== undefined && { credentials: roleCredentials(roleArn, clientOptions) }),
  };
}

const endpointSettings = ({ endpoint }: AwsAccess) =>
  endpoint === undefined ? { ignoreConfiguredEndpointUrls: true } : { endpoint };

const roleCredentials = (roleArn: string, clientOptions: object) =>
  fromTemporaryCredentials({
    params: { RoleArn: roleArn, RoleSessionName: 'firebreak' },
    clientConfig: { ...clientOptions, requestHandler: timeouts(ASSUME_TIMEOUT_MS, ASSUME_TIMEOUT_MS) },
  });

/**
 * Returns the timeouts of a client; the SDK has none by default. `socketTimeout` also covers pauses while the body
 * arrives.
 */
const timeouts = (connectMs: number, callMs: number) => ({
  connectionTimeout: connectMs,
  requestTimeout: callMs,
  socketTimeout: callMs,
  throwOnRequestTimeout: true, // without it the SDK only logs a warning
});

/** Keeps one client per access for the life of the process, to reuse its connections and its role session. */
export function cachedByAccess<C>(
  create: (settings: ReturnType<typeof clientSettings>) => C,
): (access: AwsAccess) => C {
  const clients = new Map<string, C>();
  return (access) => {
    const key = JSON.stringify([access.region, access.roleArn, access.endpoint]);
    const client = clients.get(key) ?? create(clientSettings(access));
    clients.set(key, client);
    return client;
  };
}

/** Returns the account and region of a target, if known, to distinguish two targets with the same name. */
export const accountAndRegionOf = (
  { roleArn, region }: AwsAccess,
  ...names: string[]
): [account: string, region: string] => [
  [...names, roleArn ?? ''].map((name) => /(?:^|:)(\d{12}):/.exec(name)?.[1]).find((id) => id !== undefined) ?? 'own',
  region ?? 'own',
];
