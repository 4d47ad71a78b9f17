import type { SQSClient } from '@aws-sdk/client-sqs';
import { serve, type EmulatedRequest, type EmulatedResponse, type Endpoint } from '../endpoint.ts';
import { DeadLetters } from './invoke/dead-letters.ts';
import * as durable from './durable/api.ts';
import { ApiError, notFound } from './errors.ts';
import { Executions } from './durable/executions.ts';
import { invoke } from './invoke/api.ts';
import { installInvokeStore } from './invoke/invoke-store.ts';
import { PlainInvokes } from './invoke/plain-invokes.ts';
import { Pruner } from './durable/pruner.ts';
import { Resumer } from './durable/resumer.ts';
import { FunctionRunner, type LocalFunction } from './function-runner.ts';
import { Store } from './store.ts';

export type { LambdaContext, LocalFunction } from './function-runner.ts';

export type LambdaEndpoint = Endpoint & {
  /**
   * Fires due timers, and resumes work that a crash or a shutdown interrupted. Call it after all other services have
   * started.
   */
  resume(): void;
};

export type LambdaOptions = {
  /** The SQLite file with executions and accepted events. Only one process may use it at a time. */
  file: string;
  accessKeyId: string;
  functions: Record<string, LocalFunction>;
  /**
   * The factor by which the time of suspended executions runs faster: durable waits, timeouts of callbacks, heartbeats,
   * and executions, and delays between attempts. Function timeouts are not scaled. At least 1, the default.
   */
  timeScale?: number;
  /** Maximum concurrent durable handlers over all functions. */
  maxConcurrentResumes?: number;
  /** Returns milliseconds since the Unix epoch. */
  now?: () => number;
  /** The client for dead-letter queues; absent to create one from the environment when a dead letter is sent. */
  sqs?: SQSClient;
  log?: (entry: object) => void;
};

const MAX_CONCURRENT_RESUMES = 64;

/**
 * Emulates Lambda on this machine: Invoke and durable functions, behind their own API. Handlers run in this process.
 *
 * All acknowledged work is on disk, so a `kill -9` loses nothing: the next start with the same file finds interrupted
 * executions, timers that are due, and accepted events. Until `resume` is called, executions and events are only
 * stored; plain functions run at once.
 *
 * @throws Error if two functions set an environment variable to different values, or if the time scale is below 1
 */
export async function startLambda(options: LambdaOptions): Promise<LambdaEndpoint> {
  const scale = options.timeScale ?? 1;
  if (!(scale >= 1)) throw new Error(`timeScale is ${scale}; it must be at least 1: waits are divided by it.`);
  const functions = new Map(Object.entries(options.functions));
  setEnvironment(functions);
  installInvokeStore();
  // The SDK propagates an invocation's trace only if it detects Lambda by this variable. The value is not used.
  process.env['AWS_LAMBDA_FUNCTION_NAME'] ??= 'local';
  const parts = assemble(options, functions, scale);
  const endpoint = await serve({ accessKeyId: options.accessKeyId, handle: (request) => handle(request, parts) });
  return {
    url: endpoint.url,
    resume: () => {
      parts.executions.recoverInterrupted();
      for (const worker of parts.workers) worker.start();
    },
    close: async () => {
      for (const worker of parts.workers) worker.stop();
      await endpoint.close();
      parts.store.close();
    },
  };
}

type Parts = ReturnType<typeof assemble>;

function assemble(options: LambdaOptions, functions: ReadonlyMap<string, LocalFunction>, scale: number) {
  const now = options.now ?? Date.now;
  const log = options.log ?? (() => undefined);
  const store = new Store(options.file);
  const runner = new FunctionRunner(functions);
  const poke = () => {
    for (const worker of workers) worker.poke();
  };
  const executions = new Executions({ store, now, scale, functions, onChange: poke, log });
  const plainInvokes = new PlainInvokes({ store, executions, runner, functions, now, scale, onChange: poke, log });
  const maxConcurrent = options.maxConcurrentResumes ?? MAX_CONCURRENT_RESUMES;
  const resumer = new Resumer({
    store,
    executions,
    runner,
    functionNames: [...functions.keys()],
    maxConcurrent,
    now,
    log,
  });
  const workers = [resumer, plainInvokes, new DeadLetters(store, options.sqs, log), new Pruner(store, functions, now)];
  return { store, functions, runner, executions, plainInvokes, workers };
}

/** Sets the environment of all functions, which share one process, so conflicting values are an error. */
function setEnvironment(functions: ReadonlyMap<string, LocalFunction>): void {
  const setBy = new Map<string, { name: string; value: string }>();
  for (const [name, { environment = {} }] of functions) {
    for (const [key, value] of Object.entries(environment)) {
      const other = setBy.get(key);
      if (other && other.value !== value) {
        throw new Error(
          `The functions ${other.name} and ${name} need different values of ${key}, but share one process here. Rename one.`,
        );
      }
      setBy.set(key, { name, value });
      process.env[key] ??= value;
    }
  }
}

type Route = {
  method: string;
  path: RegExp;
  answer: (request: EmulatedRequest, argument: string, parts: Parts) => object;
};

const ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/2025-12-01\/durable-executions\/([^/]+)$/, answer: durable.describeExecution },
  { method: 'GET', path: /^\/2025-12-01\/durable-executions\/([^/]+)\/history$/, answer: durable.history },
  { method: 'GET', path: /^\/2025-12-01\/durable-executions\/([^/]+)\/state$/, answer: durable.state },
  { method: 'POST', path: /^\/2025-12-01\/durable-executions\/([^/]+)\/checkpoint$/, answer: durable.checkpoint },
  { method: 'POST', path: /^\/2025-12-01\/durable-executions\/([^/]+)\/stop$/, answer: durable.stop },
  { method: 'GET', path: /^\/2025-12-01\/functions\/([^/]+)\/durable-executions$/, answer: durable.listExecutions },
  {
    method: 'POST',
    path: /^\/2025-12-01\/durable-execution-callbacks\/([^/]+)\/succeed$/,
    answer: durable.succeedCallback,
  },
  { method: 'POST', path: /^\/2025-12-01\/durable-execution-callbacks\/([^/]+)\/fail$/, answer: durable.failCallback },
  {
    method: 'POST',
    path: /^\/2025-12-01\/durable-execution-callbacks\/([^/]+)\/heartbeat$/,
    answer: durable.heartbeat,
  },
];

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

async function handle(request: EmulatedRequest, parts: Parts): Promise<EmulatedResponse> {
  try {
    const functionRef = request.method === 'POST' ? INVOKE.exec(request.path)?.[1] : undefined;
    if (functionRef !== undefined) return await invoke(request, decodeURIComponent(functionRef), parts);
    for (const { method, path, answer } of ROUTES) {
      const argument = method === request.method ? path.exec(request.path)?.[1] : undefined;
      if (argument !== undefined) return json(200, answer(request, decodeURIComponent(argument), parts));
    }
    throw notFound(`${request.method} ${request.path} is not an emulated Lambda operation.`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { type, status, message } = error;
    return {
      ...json(
        status,
        { Type: status < 500 ? 'User' : 'Service', message, Message: message },
        { 'x-amzn-errortype': type },
      ),
    };
  }
}

const json = (status: number, body: object, headers: Record<string, string> = {}): EmulatedResponse => ({
  status,
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
