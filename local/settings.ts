import { isAbsolute, join, resolve } from 'node:path';
import type { LogSettings } from '../functions/assembly/log.ts';
import { type Env, environmentOf, namesIn } from '../schemas/config/variables.ts';
import { inputProblemText } from '../schemas/parsing/input-problems.ts';

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
  log: LogSettings;
  maxConnections: number;
  trustedProxies: readonly string[];
};

/**
 * Parses the settings.
 *
 * @param isTerminal whether standard error is a terminal
 * @throws Error that names each invalid variable
 */
export function readSettings(env: Env, cwd: string, isTerminal = false): Settings {
  const read = Environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (!read.success) throw new Error(`the environment is invalid:\n${inputProblemText(read.error)}`);
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
    log: { level: data.LOG_LEVEL, format: data.LOG_FORMAT ?? (isTerminal ? 'text' : 'json') },
    maxConnections: data.FIREBREAK_MAX_CONNECTIONS,
    trustedProxies: data.FIREBREAK_TRUSTED_PROXIES,
  };
}
