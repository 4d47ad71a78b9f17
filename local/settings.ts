import { isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import { type Env, environmentOf, namesIn } from '../schemas/config/variables.ts';

/** Settings of one machine: the environment, read once at the start. Only the form of secrets is checked here. */
const Environment = environmentOf([...namesIn('machine', 'access', 'vendors')]);

export type Settings = {
  port: number;
  host: string;
  dataDir: string;
  configDir: string;
  runbooksDir: string;
  /** The snapshot of the status pages. */
  snapshotDir: string;
  sandbox: boolean;
  timeScale: number;
  logLevel: string;
  maxConnections: number;
  trustedProxies: readonly string[];
};

/** Parses the settings. @throws Error that names each invalid variable */
export function readSettings(env: Env, cwd: string): Settings {
  const read = Environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (!read.success) throw new Error(`the environment is invalid:\n${z.prettifyError(read.error)}`);
  const { data } = read;
  const path = (given: string) => (isAbsolute(given) ? given : resolve(cwd, given));
  const dataDir = path(data.FIREBREAK_DATA_DIR);
  return {
    port: data.PORT,
    host: data.HOST,
    dataDir,
    configDir: path(data.FIREBREAK_CONFIG_DIR),
    runbooksDir: path(data.FIREBREAK_RUNBOOKS_DIR),
    snapshotDir:
      data.FIREBREAK_SNAPSHOT_DIR === undefined ? join(dataDir, 'status') : path(data.FIREBREAK_SNAPSHOT_DIR),
    sandbox: data.FIREBREAK_SANDBOX === 'on',
    timeScale: data.FIREBREAK_TIME_SCALE,
    logLevel: data.LOG_LEVEL,
    maxConnections: data.FIREBREAK_MAX_CONNECTIONS,
    trustedProxies: data.FIREBREAK_TRUSTED_PROXIES,
  };
}
