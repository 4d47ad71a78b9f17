import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { setTimeout as sleep } from 'node:timers/promises';
import { PRODUCT_OPTIONS } from '../../scripts/setup.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const ADMIN_TOKEN = 'test-admin-token';
export const INGEST_TOKEN = 'test-ingest-token';

/** `configFiles` for tests in which independent services fail at the same time. */
export const EACH_ALONE = { 'routes.yaml': 'manyAtOnce: off\nfailTogether: ignore\n' };

/** Without reminders, because people cannot respond to them at a large time scale. */
const NOBODY_IS_REMINDED = { acknowledgeMinutes: 'off', commanderMinutes: 'off', updateMinutes: 'off' };

/** Returns the environment variables that a program needs, without any settings. */
export const bareEnvironment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
});

/** Slack and Grafana have an address and no token, so they are off. */
const NOT_SHOWN = { SLACK_API_URL: 'https://slack.invalid/api/', GRAFANA_URL: 'https://grafana.invalid' };

export type FirebreakOptions = {
  /** Kept if given. Otherwise a new folder, which `remove` deletes. */
  dataDir?: string;
  /** `services.yaml` as an object, and other configuration files by name. */
  services?: unknown;
  configFiles?: Record<string, string>;
  /** Files of the runbooks folder, by name. */
  runbooks?: Record<string, string>;
  env?: Record<string, string>;
  /** Default: 400. The workflow of an open incident then does a round every 1.5 seconds. */
  timeScale?: number;
  /** Disables Slack and Grafana. Showing each step there is a large part of the work. */
  unshown?: true;
  /** Additional arguments for Node, such as `--import ./test/kill/at.ts`. */
  nodeArgs?: string[];
  /** Starts the sources instead of `dist/`: for a test that needs the names of files. */
  sources?: true;
  /** Script of package.json that starts it, in place of Node. */
  script?: 'start' | 'dev';
};

/** The product as it runs in production: its own process group, accessed only over HTTP. */
export class Firebreak {
  url = '';
  /** The output of all its starts. */
  output = '';
  readonly dataDir: string;
  readonly configDir: string;
  /** Empty by default, since the shipped runbooks have their own tests. */
  readonly runbooksDir: string;
  readonly #options: FirebreakOptions;
  #child: ChildProcess | undefined;

  private constructor(options: FirebreakOptions, dataDir: string) {
    this.#options = options;
    this.dataDir = dataDir;
    this.configDir = join(dataDir, 'test-config');
    this.runbooksDir = join(dataDir, 'test-runbooks');
  }

  /** Starts the product with an empty data folder, and waits until it is ready. */
  static async start(options: FirebreakOptions = {}): Promise<Firebreak> {
    const firebreak = await Firebreak.prepare(options);
    await firebreak.start();
    return firebreak;
  }

  /** Creates its folders without starting it. */
  static async prepare(options: FirebreakOptions = {}): Promise<Firebreak> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'firebreak-')));
    const firebreak = new Firebreak(options, dataDir);
    await mkdir(firebreak.configDir, { recursive: true });
    await mkdir(firebreak.runbooksDir, { recursive: true });
    for (const [name, text] of Object.entries(options.runbooks ?? {}))
      await writeFile(join(firebreak.runbooksDir, name), text);
    if (options.services !== undefined)
      await firebreak.write('services.yaml', stringify({ services: options.services }));
    const files = { 'response.yaml': stringify({ triage: NOBODY_IS_REMINDED }), ...options.configFiles };
    for (const [name, text] of Object.entries(files)) await firebreak.write(name, text);
    return firebreak;
  }

  /** Writes a configuration file. At once, because a running product could read a part of it, which is valid. */
  async write(name: string, text: string): Promise<void> {
    const [file, written] = [join(this.configDir, name), `${this.configDir}-${randomUUID()}`];
    await mkdir(dirname(file), { recursive: true });
    await writeFile(written, text);
    await rename(written, file);
  }

  /** Writes a file of the runbooks folder. */
  async writeRunbook(name: string, text: string): Promise<void> {
    await writeFile(join(this.runbooksDir, name), text);
  }

  /**
   * Starts the product, or starts it again on the same data. Resolves when it is ready. Throws with its output if it
   * exits.
   *
   * @param wrapper a command that replaces itself with the product, such as `prlimit`
   */
  async start(env: Record<string, string> = {}, wrapper: readonly string[] = []): Promise<void> {
    const { script, nodeArgs = [], sources } = this.#options;
    const program = sources ? 'packages/sandbox/main.ts' : 'dist/sandbox.mjs';
    const command = script
      ? ['npm', 'run', '--silent', script]
      : [...wrapper, process.execPath, ...PRODUCT_OPTIONS, ...nodeArgs, program];
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: ROOT,
      detached: true, // its own process group, so that all of it can be killed at once
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // exits with the test runner, in all cases
      env: {
        ...bareEnvironment(),
        PORT: '0',
        FIREBREAK_DATA_DIR: this.dataDir,
        FIREBREAK_CONFIG_DIR: this.configDir,
        FIREBREAK_RUNBOOKS_DIR: this.runbooksDir,
        FIREBREAK_TIME_SCALE: String(this.#options.timeScale ?? 400),
        FIREBREAK_ADMIN_TOKEN: ADMIN_TOKEN,
        FIREBREAK_INGEST_TOKEN: INGEST_TOKEN,
        ...(this.#options.unshown && NOT_SHOWN),
        ...this.#options.env,
        ...env,
      },
    });
    this.#child = child;
    const mark = this.output.length;
    const ready = new Promise<string>((resolve, reject) => {
      let address: string | undefined;
      const hear = (chunk: Buffer) => {
        this.output += chunk.toString();
        if (address !== undefined) return; // the log grows to megabytes
        address = /^firebreak ready on (\S+)$/m.exec(this.output.slice(mark))?.[1];
        if (address !== undefined) resolve(address);
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('exit', (code, signal) =>
        reject(new Error(`firebreak ended (${code ?? signal}) before it was ready:\n${this.output.slice(mark)}`)),
      );
    });
    this.url = await ready;
  }

  /** Kills the whole process group with `kill -9`, without any cleanup. */
  async kill9(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGKILL');
    await once(child, 'exit');
  }

  /** Resolves when the process has exited by itself. */
  async exited(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await once(child, 'exit');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Stops it like Ctrl-C. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || !this.running) return;
    if (this.#options.script) process.kill(-child.pid, 'SIGINT'); // npm leaves it to the terminal to reach its children
    else child.kill('SIGINT');
    await once(child, 'exit');
  }

  /** Ends it in any state, and removes its folder. */
  async remove(): Promise<void> {
    await this.kill9();
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Sends one request. The response's body is JSON if it has any. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: any; headers: Headers }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }

  /** Reads again what took longer than the product gives a request: on a busy machine, the background thread computes last. */
  get = async (path: string): ReturnType<Firebreak['request']> => {
    const answer = await this.request('GET', path);
    return answer.status === 503 && String(answer.body.detail).startsWith('the request took more than')
      ? this.get(path)
      : answer;
  };
  post = (path: string, body?: unknown) => this.request('POST', path, body);
  put = (path: string, body: unknown) => this.request('PUT', path, body);

  /** Brings back the moment before responses were stored, as if the process had died then and a minute ago. */
  forgetResponses(): void {
    const database = new DatabaseSync(join(this.dataDir, 'firebreak.sqlite'), { timeout: 10_000 });
    database.exec(
      `UPDATE items SET item = json_remove(json_set(item, '$.started', 0), '$.answer', '$.status') WHERE pk LIKE 'IDEM%'`,
    );
    database.close();
  }

  /** Resolves all incidents. At a large time scale, open incidents keep the product busy. */
  async resolveAll(): Promise<void> {
    const { body } = await this.get('/v1/incidents?limit=500');
    const open = body.items.filter(({ status }: { status: string }) => status !== 'resolved');
    for (const { id } of open) await this.resolve(id);
  }

  /** Resolves an incident, and waits for its end: until then, an alert of its service could join it. */
  async resolve(id: string): Promise<void> {
    const path = `/v1/incidents/${id}`;
    await this.post(`${path}/actions/resolve`);
    await eventually(async () => (await this.get(path)).body.status === 'resolved', `the end of incident ${id}`);
  }

  /** Returns the calls to the stand-ins, oldest first, without updates of open pages: those that are accepted again. */
  async calls(
    vendor: string,
  ): Promise<{ vendor: string; method: string; path: string; body: any; status: number | null; outcome: any }[]> {
    const { body } = await this.get(`/sandbox/calls?vendor=${vendor}&limit=10000`);
    const all = body.items.toReversed();
    return vendor === 'pagerduty' ? withoutUpdates(all) : all;
  }
}

function withoutUpdates<T extends { body: any; outcome: any }>(calls: readonly T[]): T[] {
  const open = new Set<string>();
  return calls.flatMap((call) => {
    const { event_action: action, dedup_key: key } = call.body ?? {};
    if (action === 'trigger' && open.has(key)) return [];
    if (action === 'trigger' && call.outcome === 202) open.add(key);
    if (action === 'resolve') open.delete(key);
    return [{ ...call, body: call.body ?? {} }];
  });
}

const LONGEST_PAUSE_MS = 500;

/** Milliseconds; only to detect a hang, since a slow machine is not a failure. */
const PATIENCE_MS = 120_000;

/** Repeats `look` until it returns a value; otherwise throws its last error. Tests wait only with this function, or with expect.poll. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false | null>,
  what: string,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  let pause = 25;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false && seen !== null) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    await sleep(pause);
    // Wait longer each time, since each attempt costs CPU on a busy machine.
    pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
  }
  throw new Error(`not seen within ${timeoutMs} ms: ${what}`, { cause: last });
}

/** Returns `/metrics` with those of services: a scrape is answered without them if they take longer than it waits. */
export const metricsOf = (product: { get(path: string): Promise<{ body: any }> }): Promise<string> =>
  eventually(async () => {
    const text = String((await product.get('/metrics')).body);
    return text.includes('\nfirebreak_incidents_open ') && text;
  }, 'the metrics of services');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
