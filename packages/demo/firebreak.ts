import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import * as z from 'zod';
import { freePort } from './free-port.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** The program that `npm start` runs. */
const PROGRAM = 'packages/sandbox/main.ts';

/** How much of its log is kept for the error message after an unexpected exit. */
const LOG_MAX_CHARS = 20_000;

/** Only against hanging: a start takes a second or two, and much longer on a busy machine. */
const READY_MAX_MS = 180_000;

const STOP_MAX_MS = 10_000;

/** `tokens.json` of the data folder, created at the first start. */
const Tokens = z.object({ FIREBREAK_ADMIN_TOKEN: z.string(), FIREBREAK_INGEST_TOKEN: z.string() });

export type FirebreakOptions = {
  /** Configuration files by name, each as an object. */
  config: Readonly<Record<string, object>>;
  /** Speed-up factor for waits, at least 1. */
  timeScale: number;
  /** Environment variables that programs need on this machine. Must not contain settings of the product. */
  env: Readonly<Record<string, string>>;
};

/** A request without a response, or with an error status. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
}

/** Ignores a failed request, because some stories stop Firebreak: callers retry. @throws any other error */
export function ignoreFailedRequest(error: unknown): undefined {
  if (error instanceof RequestFailed) return undefined;
  throw error;
}

/** The product as `npm start` runs it, in a new folder and at an address that stays the same after restarts. */
export class Firebreak {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly #options: FirebreakOptions;
  #tokens: z.infer<typeof Tokens> = { FIREBREAK_ADMIN_TOKEN: '', FIREBREAK_INGEST_TOKEN: '' };
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(options: FirebreakOptions, folder: string, port: number) {
    this.#options = options;
    this.folder = folder;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Creates its folder without starting it. */
  static async prepare(options: FirebreakOptions): Promise<Firebreak> {
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-demo-'));
    const firebreak = new Firebreak(options, folder, await freePort());
    await mkdir(firebreak.configDir);
    for (const [name, content] of Object.entries(options.config))
      await writeFile(join(firebreak.configDir, name), stringify(content));
    return firebreak;
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  get configDir(): string {
    return join(this.folder, 'config');
  }

  get adminToken(): string {
    return this.#tokens.FIREBREAK_ADMIN_TOKEN;
  }

  get ingestToken(): string {
    return this.#tokens.FIREBREAK_INGEST_TOKEN;
  }

  /** Starts it, or restarts it with the same data. @throws Error with its log if it exits */
  async start(): Promise<void> {
    const { env, timeScale } = this.#options;
    const child = spawn(process.execPath, [PROGRAM], {
      cwd: ROOT,
      detached: true, // own process group: it can be killed as a whole, and Ctrl-C reaches it only through this process
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // closing the IPC channel ends it when this process dies
      env: {
        ...env,
        PORT: String(this.port),
        FIREBREAK_DATA_DIR: this.dataDir,
        FIREBREAK_CONFIG_DIR: this.configDir,
        FIREBREAK_TIME_SCALE: String(timeScale),
        FIREBREAK_SANDBOX: 'on',
        LOG_LEVEL: 'warn',
      },
    });
    this.#child = child;
    await this.#ready(child);
    this.#tokens = Tokens.parse(JSON.parse(await readFile(join(this.dataDir, 'tokens.json'), 'utf8')));
  }

  #ready(child: ChildProcess): Promise<void> {
    this.#log = '';
    return new Promise((done, fail) => {
      const failLate = () => fail(new Error(`Firebreak was not ready within ${READY_MAX_MS / 1000} s:\n${this.#log}`));
      const timer = setTimeout(failLate, READY_MAX_MS).unref();
      const ready = () => {
        clearTimeout(timer);
        done();
      };
      const onOutput = (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-LOG_MAX_CHARS);
        if (/^firebreak ready on \S+$/m.test(this.#log)) ready();
      };
      child.stdout?.on('data', onOutput);
      child.stderr?.on('data', onOutput);
      child.once('error', fail);
      child.once('exit', (code, signal) => fail(new Error(`Firebreak exited (${code ?? signal}):\n${this.#log}`)));
    });
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** End of its log since the last start. */
  get log(): string {
    return this.#log;
  }

  /** Kills the product and its database at once with `kill -9`, without cleanup. */
  async kill9(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || !this.running) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  /** Stops it as Ctrl-C does. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(STOP_MAX_MS, undefined, { ref: false })]);
    await this.kill9();
  }

  async removeFolder(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** @throws RequestFailed */
  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(await this.#call('GET', path, this.adminToken));
  }

  /** @throws RequestFailed */
  async post<T>(path: string, body: object, schema: z.ZodType<T>, token = this.adminToken): Promise<T> {
    return schema.parse(await this.#call('POST', path, token, body));
  }

  /** @throws RequestFailed */
  async change(method: 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<void> {
    await this.#call(method, path, this.adminToken, body);
  }

  async #call(method: string, path: string, token: string, body?: unknown): Promise<unknown> {
    const what = `${method} ${path}`;
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    };
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new RequestFailed(`${what}: no response`, { cause: error });
    });
    const text = await response.text().catch((error: unknown) => {
      throw new RequestFailed(`${what}: incomplete response`, { cause: error });
    });
    if (!response.ok) throw new RequestFailed(`${what}: status ${response.status}: ${text.slice(0, 500)}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  }
}
