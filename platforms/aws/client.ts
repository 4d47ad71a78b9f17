/** Time limits of one AWS client, in milliseconds. */
export type Limits = {
  /** From the start of an attempt until the connection is established. */
  connectMs: number;
  /** From the start of an attempt until the response headers arrive; also the longest gap while the body arrives. */
  attemptMs: number;
  /** Over all attempts of a call, the pauses between them, and the body. */
  callMs: number;
  /** Absent: the SDK's default, which is 3, or 4 for DynamoDB. */
  maxAttempts?: number;
};

/**
 * Limits for the clients that all functions share. A call takes at most a third of the shortest timeout among these
 * functions, so that one dead connection leaves time for another attempt.
 */
export const SHARED_LIMITS: Limits = { connectMs: 1500, attemptMs: 3000, callMs: 6500 };

/** Limits for the function that Slack calls. Slack waits three seconds, so a lost call is repeated once. */
export const SLACK_LIMITS: Limits = { connectMs: 800, attemptMs: 1500, callMs: 3000, maxAttempts: 2 };

/** Limits for reading secrets. They are short because the last known values are used when SSM does not respond. */
export const SECRETS_LIMITS: Limits = { connectMs: 1500, attemptMs: 2000, callMs: 4500, maxAttempts: 2 };
export const SLACK_SECRETS_LIMITS: Limits = { connectMs: 600, attemptMs: 1000, callMs: 1000, maxAttempts: 1 };

/** Limits for checkpoints and state of durable executions, whose function has a timeout of one minute. */
export const DURABLE_LIMITS: Limits = { connectMs: 2500, attemptMs: 6000, callMs: 19_000 };

type Settings = {
  maxAttempts?: number;
  requestHandler: {
    connectionTimeout: number;
    requestTimeout: number;
    socketTimeout: number;
    throwOnRequestTimeout: true;
  };
};

type Handler = (args: unknown) => Promise<unknown>;
type Stack = { add(middleware: (next: Handler) => Handler, options: { step: 'initialize'; name: string }): void };

/**
 * Creates an AWS client with time limits. Every client of the product is created here, because the SDK has no time
 * limits by default. The lint rule `aws-client-limits` refuses `new …Client(` elsewhere.
 *
 * A response stream, such as that of S3's `GetObject`, is read after the call: pass `streamLimit` with the call.
 */
export function awsClient<C extends object, More extends object>(
  Client: new (settings: Settings & More) => C,
  { connectMs, attemptMs, callMs, maxAttempts }: Limits,
  more: More = {} as More,
): C {
  const client = new Client({
    ...more,
    ...(maxAttempts !== undefined && { maxAttempts }),
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: attemptMs,
      socketTimeout: attemptMs,
      throwOnRequestTimeout: true, // without it, the SDK only writes a warning
    },
  });
  (client as { middlewareStack: Stack }).middlewareStack.add(
    (next) => (args) => inTime(next(args), callMs, Client.name),
    { step: 'initialize', name: 'firebreakCallLimit' },
  );
  return client;
}

/** Limits the time of a call including its response stream: `client.send(command, streamLimit(limits))`. */
export const streamLimit = ({ callMs }: Limits): { abortSignal: AbortSignal } => ({
  abortSignal: AbortSignal.timeout(callMs),
});

async function inTime<T>(call: Promise<T>, callMs: number, client: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`${client}: no response within ${callMs} ms`);
      error.name = 'TimeoutError'; // the name that the SDK uses for its own timeouts
      reject(error);
    }, callMs);
  });
  return Promise.race([call, late]).finally(() => clearTimeout(timer));
}
