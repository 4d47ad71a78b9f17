/**
 * All Lambda functions, by the file of their handler in `functions/`. `platforms/aws/infra/functions.ts` deploys them and
 * `local/programs.ts` runs the same on one machine; permissions, secrets, and alarms have an entry for each.
 *
 * - `memoryMb`: on AWS. Less memory means less CPU, and cold starts are CPU-bound.
 * - `everySeconds`: the schedule that invokes it. Others are invoked by requests, by queues (`READERS`), or by functions.
 * - `reaches`: it queries metrics, or calls targets of rollbacks, which can be in a private network.
 * - `recursive`: it invokes itself, through a queue or directly, more often in one chain than Lambda allows by default.
 */
export const FUNCTIONS = {
  http: { timeoutSeconds: 20, memoryMb: 1024, reaches: true },
  console: { timeoutSeconds: 20, memoryMb: 1024, reaches: true },
  status: { timeoutSeconds: 20, memoryMb: 512 },
  subscriptions: { timeoutSeconds: 20, memoryMb: 512 },
  // Slack waits three seconds; a cold start can take longer, and work that has begun is completed.
  slack: { timeoutSeconds: 10, memoryMb: 1024 },
  inbound: { timeoutSeconds: 20, memoryMb: 1024, reaches: true },
  route: { timeoutSeconds: 20, memoryMb: 1024 },
  // Each wait of a projector is a message to its own queue.
  project: { timeoutSeconds: 60, memoryMb: 1024, reaches: true, recursive: true },
  sweep: { timeoutSeconds: 50, memoryMb: 512, everySeconds: 60, reaches: true },
  evaluate: { timeoutSeconds: 45, memoryMb: 2048, everySeconds: 60, reaches: true }, // a month of two thousand objectives needs 300 MB
  // Longer than a round of emails that ends with the slowest one.
  digest: { timeoutSeconds: 58, memoryMb: 512, everySeconds: 60 },
  // Two snapshots, half a minute apart.
  snapshot: { timeoutSeconds: 58, memoryMb: 512, everySeconds: 60 },
  // One invocation runs as many steps as fit; an attempt at a vendor may take at most a third of its timeout. Each run
  // starts the next one.
  'incident-response': {
    timeoutSeconds: 60,
    memoryMb: 1024,
    reaches: true,
    recursive: true,
    durable: { executionTimeoutSeconds: 14 * 24 * 3600, retentionDays: 30 },
  },
} as const satisfies Record<string, FunctionSettings>;

type FunctionSettings = {
  timeoutSeconds: number;
  memoryMb: number;
  everySeconds?: number;
  reaches?: true;
  recursive?: true;
  durable?: { executionTimeoutSeconds: number; retentionDays: number };
};

export type FunctionName = keyof typeof FUNCTIONS;
export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];

type NamesWith<Key extends keyof FunctionSettings> = {
  [Name in FunctionName]: (typeof FUNCTIONS)[Name] extends Record<Key, unknown> ? Name : never;
}[FunctionName];

/** Returns the functions that have this setting. */
const functionsWith = <Key extends keyof FunctionSettings>(key: Key): NamesWith<Key>[] =>
  FUNCTION_NAMES.filter((name): name is NamesWith<Key> => key in FUNCTIONS[name]);

export const SCHEDULED = functionsWith('everySeconds');
export const RECURSIVE = functionsWith('recursive');
export const REACHING: readonly FunctionName[] = functionsWith('reaches');
