/** Time limits of one AWS client, in milliseconds. */
export type Limits = {
  /** From the start of an attempt to an established connection. */
  connectMs: number;
  /** From the start of an attempt to the headers of its answer, and the longest silence while the body arrives. */
  attemptMs: number;
  /** Over all attempts of a call, the pauses between them, and the body. */
  callMs: number;
  /** Absent: the SDK's default, three, or four for DynamoDB. */
  maxAttempts?: number;
};

/**
 * For the clients that all functions share. A call takes at most a third of the shortest time-out among these functions,
 * so that one connection on which nothing arrives leaves time for another try.
 */
export const SHARED_LIMITS: Limits = { connectMs: 1500, attemptMs: 3000, callMs: 6500 };

/** For the function that Slack calls. Slack waits three seconds, so a lost call is repeated once. */
export const SLACK_LIMITS: Limits = { connectMs: 800, attemptMs: 1500, callMs: 3000, maxAttempts: 2 };

/** For secrets: without an answer the last known ones are used, so it is not waited for long. */
export const SECRETS_LIMITS: Limits = { connectMs: 1500, attemptMs: 2000, callMs: 4500, maxAttempts: 2 };
export const SLACK_SECRETS_LIMITS: Limits = { connectMs: 600, attemptMs: 1000, callMs: 1000, maxAttempts: 1 };

/** For the checkpoints and the state of durable executions, whose function has a minute. */
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
 * Creates a client of AWS with time limits. Every client of the product is created here, because the SDK's own default is
 * no limit at all; the lint rule `aws-client-limits` refuses `new …Client(` elsewhere.
 *
 * A stream in an answer, as of S3's `GetObject`, is read after the call: pass `streamLimit` with the call.
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
      throwOnRequestTimeout: true, // without it the SDK only writes a warning
    },
  });
  (client as { middlewareStack: Stack }).middlewareStack.add(
    (next) => (args) => inTime(next(args), callMs, Client.name),
    { step: 'initialize', name: 'firebreakCallLimit' },
  );
  return client;
}

/** Ends a call with the stream of its answer: `client.send(command, streamLimit(limits))`. */
export const streamLimit = ({ callMs }: Limits): { abortSignal: AbortSignal } => ({
  abortSignal: AbortSignal.timeout(callMs),
});

async function inTime<T>(call: Promise<T>, callMs: number, client: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`${client}: no answer within ${callMs} ms`);
      error.name = 'TimeoutError'; // as the SDK names its own
      reject(error);
    }, callMs);
  });
  return Promise.race([call, late]).finally(() => clearTimeout(timer));
}
