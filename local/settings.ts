import { isAbsolute, resolve } from 'node:path';
import * as z from 'zod';
import { type Env, environmentOf, namesIn } from '../schemas/variables.ts';

/** How one machine is set up: the environment, read once at start. Of secrets only their form is looked at here. */
const Environment = environmentOf([...namesIn('machine', 'access', 'vendors', 'emulation')]);

export type Settings = {
  port: number;
  host: string;
  dataDir: string;
  configDir: string;
  runbooksDir: string;
  sandbox: boolean;
  timeScale: number;
  logLevel: string;
  maxConnections: number;
  trustedProxies: readonly string[];
};

/** @throws naming each variable that is wrong */
export function readSettings(env: Env, cwd: string): Settings {
  const read = Environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (!read.success) throw new Error(`the environment is not right:\n${z.prettifyError(read.error)}`);
  const { data } = read;
  const path = (given: string) => (isAbsolute(given) ? given : resolve(cwd, given));
  return {
    port: data.PORT,
    host: data.HOST,
    dataDir: path(data.FIREBREAK_DATA_DIR),
    configDir: path(data.FIREBREAK_CONFIG_DIR),
    runbooksDir: path(data.FIREBREAK_RUNBOOKS_DIR),
    sandbox: data.FIREBREAK_SANDBOX === 'on',
    timeScale: data.FIREBREAK_TIME_SCALE,
    logLevel: data.LOG_LEVEL,
    maxConnections: data.FIREBREAK_MAX_CONNECTIONS,
    trustedProxies: data.FIREBREAK_TRUSTED_PROXIES,
  };
}
