import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectTo, type ForwardedRequest } from './forward.ts';
import { type DynamoDbFault, dynamoDbFaults } from './fault-proxy/dynamodb.ts';
import { type LambdaFault, lambdaFaults } from './fault-proxy/lambda.ts';
import { type S3Fault, s3Faults } from './fault-proxy/s3.ts';
import { type SqsFault, sqsFaults } from './fault-proxy/sqs.ts';
import { type SsmFault, ssmFaults } from './fault-proxy/ssm.ts';
import { type Call, type Faults, json, type Outcome } from './fault-proxy/wire.ts';

type FaultOf = { dynamodb: DynamoDbFault; sqs: SqsFault; lambda: LambdaFault; ssm: SsmFault; s3: S3Fault };
export type Service = keyof FaultOf;

/**
 * Probability of each fault for the calls that it applies to: 0 to 1. A call gets at most one fault. If the rates of
 * the faults that apply add up to more than 1, the last ones (in the order of the service's list) are reduced.
 */
export type FaultRates<S extends Service = Service> = Partial<Record<FaultOf[S], number>>;

/** The fault of the `n`-th call (from 1) of an operation. `at` is RFC 3339. */
export type InjectedFault = { at: string; operation: string; n: number; fault: string };

export type FaultProxy = {
  /** The URL to use instead of that of the program behind it. */
  url: string;
  /** All faults so far, in order. */
  log: readonly InjectedFault[];
  /** Stops injecting faults, so that the system can recover. */
  heal(): void;
  close(): Promise<void>;
};

/**
 * Default in milliseconds for the maximum delay of a late response. For stale reads, up to a second is common for an
 * index of AWS.
 */
const LATE_MS = 300;
const STALE_MS = 500;

/**
 * Starts a proxy between the product and a program that stands for AWS. It injects faults of the real AWS that such programs do not
 * have: throttling, conflicts, and stale, late, or missing responses. Everything else passes unchanged, byte for byte.
 *
 * The seed and the position of a call among the calls of its operation determine its fault, regardless of time and
 * other operations. So the same calls get the same faults again.
 *
 * @param options.upstream URL of the program, without a path
 * @throws RangeError if a rate is not between 0 and 1
 */
export async function faultProxy<S extends Service>(options: {
  upstream: string;
  service: S;
  seed: number;
  rates: FaultRates<S>;
  lateMs?: number;
  staleMs?: number;
}): Promise<FaultProxy> {
  const { upstream, service, seed, lateMs = LATE_MS, staleMs = STALE_MS } = options;
  let rates = checked(options.rates);
  const { hostname: host, port } = new URL(upstream);
  const connection = connectTo({ host, port: Number(port) });
  const server = createServer((req, res) => void serveCall(req, res));
  server.keepAliveTimeout = 60_000;
  const url = await listen(server);
  const aws = faultsOf(service, {
    send: connection.send,
    upstream: new URL(upstream).origin,
    proxy: url,
    lateMs,
    stale: rates.get('stale-read') ? { maxMs: staleMs } : undefined,
  });
  const counts = new Map<string, number>();
  const log: InjectedFault[] = [];

  async function serveCall(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const gone = new AbortController();
    res.once('close', () => gone.abort()); // a long poll must not receive a message for a reader that has disconnected
    try {
      const request = await readRequest(req, gone.signal);
      answer(res, await outcomeOf(request));
    } catch (error) {
      // If the program is gone or has disconnected, disconnect too. Other errors are bugs in the proxy or its use.
      const broken = error instanceof Error && 'code' in error;
      answer(res, broken ? 'connection-lost' : json(400, { __type: 'FaultProxyError', message: String(error) }));
    }
  }

  async function outcomeOf(request: ForwardedRequest): Promise<Outcome> {
    const operation = aws.operationOf(request);
    const n = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, n);
    const random = randomFor(`${seed}/${operation}/${n}`);
    const call: Call = { ...request, operation, random };
    const fault = drawn(aws.faults, rates, call);
    if (fault === undefined) return aws.send(call);
    const outcome = await aws.faults[fault]?.inject(call, aws.send);
    if (outcome === undefined) return aws.send(call);
    log.push({ at: new Date().toISOString(), operation, n, fault });
    return outcome;
  }

  return {
    url,
    log,
    heal: () => (rates = new Map()),
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await aws.close();
      connection.close();
    },
  };
}

function faultsOf(
  service: Service,
  options: Parameters<typeof dynamoDbFaults>[0] & Parameters<typeof sqsFaults>[0] & Parameters<typeof lambdaFaults>[0],
): Faults<string> {
  switch (service) {
    case 'dynamodb':
      return dynamoDbFaults(options);
    case 'sqs':
      return sqsFaults(options);
    case 'lambda':
      return lambdaFaults(options);
    case 'ssm':
      return ssmFaults(options);
    case 's3':
      return s3Faults(options);
  }
}

function checked(rates: Record<string, number | undefined>): Map<string, number> {
  const given = new Map(Object.entries(rates).map(([fault, rate]) => [fault, rate ?? 0]));
  for (const [fault, rate] of given) {
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`rate of ${fault} must be between 0 and 1, not ${rate}`);
  }
  return given;
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readRequest(req: IncomingMessage, signal: AbortSignal): Promise<ForwardedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const { method = 'GET', url: path = '/', headers } = req;
  return { method, path, headers, body: Buffer.concat(chunks), signal };
}

function answer(res: ServerResponse, outcome: Outcome): void {
  if (outcome === 'connection-lost') return void res.socket?.resetAndDestroy();
  res.writeHead(outcome.status, outcome.headers).end(outcome.body);
}

/** Returns a sequence of numbers in [0, 1) that depends only on the name. */
function randomFor(name: string): () => number {
  let n = 0;
  return () => Number.parseInt(hash('sha256', `${name}/${n++}`).slice(0, 8), 16) / 2 ** 32;
}

/**
 * Returns the fault of a call, or undefined. The faults that apply are adjacent intervals in [0, 1), each as wide as
 * its rate; one random number selects at most one of them.
 */
function drawn(faults: Faults<string>['faults'], rates: Map<string, number>, call: Call): string | undefined {
  let point = call.random();
  for (const [name, fault] of Object.entries(faults)) {
    if (!fault.applies(call)) continue;
    point -= rates.get(name) ?? 0;
    if (point < 0) return name;
  }
  return undefined;
}
