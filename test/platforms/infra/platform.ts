import crypto from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { stringify } from 'yaml';

/**
 * The globals that SST gives to `sst.config.ts`. They record what is requested, and refuse the names that SST refuses.
 * Values that only a deployment knows, such as an ARN, are placeholders: `Table.arn`. For SST's own code, see `npm run
 * check:platform`.
 */

/** One resource, or one call on one, as requested; deployment values are text. */
export type Described = { type: string; name: string; args: Record<string, unknown> };

export type System = {
  app: Record<string, unknown>;
  /** Outputs that `sst deploy` would print. */
  outputs: Record<string, unknown>;
  all: Described[];
  /** Returns all resources of a type, such as `sst.aws.Queue`. */
  of(type: string): Described[];
  /** @throws if there is none, or more than one */
  one(type: string, name: string): Described;
};

const CONFIG = new URL('../../../sst.config.ts', import.meta.url).href;

type Config = {
  app(input: { stage: string }): Promise<Record<string, unknown>>;
  run(): Promise<Record<string, unknown>>;
};

/** A file of a stage of size `standard`, with all that production needs. */
export const STAGE_FILE = {
  size: 'standard',
  account: '123456789012',
  region: 'eu-central-1',
  alarms: { critical: ['sre@example.test'] },
};

const { scryptSync } = crypto;
const keys = new Map<string, Buffer>();

/** Derives a key as `scryptSync` does, which takes long on purpose, and each key once for all descriptions. */
function derivedOnce(...args: Parameters<typeof scryptSync>): Buffer {
  const all = JSON.stringify(args);
  const key = keys.get(all) ?? scryptSync(...args);
  keys.set(all, key);
  return Buffer.from(key);
}

/**
 * Runs the deployment's description for a stage with these secrets, in a folder with the stage's file.
 *
 * @param file of the stage; by default, only `production` has one
 */
export async function describeSystem(
  stage: string,
  secrets: Record<string, string>,
  file: object | null = stage === 'production' ? STAGE_FILE : null,
): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-stage-'));
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder);
  crypto.scryptSync = derivedOnce as typeof scryptSync;
  syncBuiltinESMExports();
  try {
    mkdirSync(join(folder, 'deploy/stages'), { recursive: true });
    writeFileSync(join(folder, 'sst.config.ts'), '');
    if (file !== null) writeFileSync(join(folder, `deploy/stages/${stage}.yaml`), stringify(file));
    return await describeIn(stage, secrets);
  } finally {
    cwd.mockRestore();
    crypto.scryptSync = scryptSync;
    syncBuiltinESMExports();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function describeIn(stage: string, secrets: Record<string, string>): Promise<System> {
  const all: Described[] = [];
  const names = new Names();
  vi.stubGlobal('$config', (config: Config) => config);
  vi.stubGlobal('$interpolate', (parts: TemplateStringsArray, ...values: unknown[]) =>
    later(String.raw({ raw: parts }, ...values.map((value) => plain(value)))),
  );
  vi.stubGlobal('$util', {
    output: (value: unknown) => value,
    secret: (value: unknown) => value,
    jsonStringify: (value: unknown) => later(JSON.stringify(plain(value))),
    all: known,
  });
  vi.stubGlobal('sst', namespace('sst', { all, names, secrets }));
  vi.stubGlobal('aws', namespace('aws', { all, names, secrets }));
  const { default: config } = (await import(CONFIG)) as { default: Config };
  const app = await config.app({ stage });
  vi.stubGlobal('$app', { ...app, stage });
  const outputs = plain(await config.run()) as Record<string, unknown>;
  const of = (type: string) => all.filter((resource) => resource.type === type);
  const one = (type: string, name: string): Described => {
    const [found, ...others] = of(type).filter((resource) => resource.name === name);
    if (found === undefined || others.length > 0) throw new Error(`there is not exactly one ${type} ${name}`);
    return found;
  };
  return { app, outputs, all, of, one };
}

const TEXT = Symbol('text');

/** Refuses names that SST and Pulumi refuse before a deployment, with their messages. */
class Names {
  private readonly components = new Set<string>();
  private readonly resources = new Set<string>();

  /** @throws Error if the name is taken, reserved, or missing */
  take(type: string, name: unknown): void {
    if (typeof name !== 'string' || name === '') throw new Error(`Missing resource name argument (${type})`);
    if (type.startsWith('sst.')) this.takeForComponent(name);
    const resource = `${type}::${name}`;
    if (this.resources.has(resource)) {
      throw new Error(`Duplicate resource URN '${resource}'; try giving it a unique name`);
    }
    this.resources.add(resource);
  }

  /**
   * Components of all types share one namespace, ignoring case, because a link refers to a component only by its name.
   */
  private takeForComponent(name: string): void {
    const folded = name.toLowerCase();
    if (name.includes(' ')) {
      throw new Error(`Invalid component name "${name}". Component names cannot contain spaces.`);
    }
    if (folded === 'app') throw new Error(`Component name "${name}" is reserved.`);
    if (this.components.has(folded)) throw new Error(`Component name ${name} is not unique.`);
    this.components.add(folded);
  }
}

type PlatformQuery = { all: Described[]; names: Names; secrets: Record<string, string> };

/**
 * Proxy for `sst`, `aws`, and their members: records constructor calls, and returns a deployment value for function
 * calls.
 */
function namespace(path: string, asked: PlatformQuery): unknown {
  return new Proxy(function () {}, {
    get: (_target, key) => (typeof key === 'symbol' ? undefined : namespace(`${path}.${key}`, asked)),
    apply: () => later(`<${path}>`),
    construct: (_target, [name, args]: [string, unknown]): object => {
      asked.names.take(path, name);
      if (path === 'sst.Secret') return { value: secretValue(name, asked.secrets[name] ?? args) };
      asked.all.push({ type: path, name, args: (plain(args) ?? {}) as Record<string, unknown> });
      return later(name, (call, given) => asked.all.push({ type: call, name: '', args: { given: plain(given) } }));
    },
  });
}

/** Behaves like SST: a secret without a value and without a placeholder stops the deployment. */
function secretValue(name: string, value: unknown): object {
  if (typeof value !== 'string') throw new Error(`Set a value for ${name}`);
  return known(value);
}

/** Returns a value that is known before a deployment. */
const known = (value: unknown): object => ({
  [TEXT]: value,
  apply: (use: (value: unknown) => unknown) => known(use(plain(value))),
});

/** Returns a value that only a deployment knows, as are all values read from it. */
function later(text: string, onCall: (path: string, args: unknown[]) => void = () => {}): object {
  return new Proxy(function () {}, {
    get: (_target, key) => {
      if (key === TEXT) return text;
      if (typeof key === 'symbol' || key === 'then') return undefined;
      return later(key === 'url' ? `https://deployed.test/${text}` : `${text}.${key}`, onCall);
    },
    apply: (_target, _this, args: unknown[]) => {
      onCall(text, args);
      return later(`${text}()`);
    },
  });
}

/** Replaces deployment values by text. */
function plain(value: unknown): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value;
  const text = (value as { [TEXT]?: unknown })[TEXT];
  if (text !== undefined) return plain(text);
  if (typeof value === 'function') return transformed(value as Transform);
  if (Array.isArray(value)) return value.map((item) => plain(item));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

type Transform = (args: Record<string, unknown>, options: Record<string, unknown>) => void;

/** Returns the result of a transform function; its options are under `$options`. */
function transformed(transform: Transform): unknown {
  const [args, options] = [{}, {}];
  transform(args, options);
  return plain({ ...args, $options: options });
}
