import { isAbsolute, resolve } from 'node:path';
import * as z from 'zod';

/** How one machine is set up: the environment, read once at start. */
const Environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  FIREBREAK_DATA_DIR: z.string().min(1).default('.firebreak'),
  FIREBREAK_CONFIG_DIR: z.string().min(1).default('config'),
  FIREBREAK_RUNBOOKS_DIR: z.string().min(1).default('runbooks'),
  FIREBREAK_SANDBOX: z.enum(['on', 'off']).default('on'),
  FIREBREAK_TIME_SCALE: z.coerce.number().min(1).default(1),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Settings = {
  port: number;
  host: string;
  dataDir: string;
  configDir: string;
  runbooksDir: string;
  sandbox: boolean;
  timeScale: number;
  logLevel: string;
};

/** @throws naming each variable that is wrong */
export function readSettings(env: Record<string, string | undefined>, cwd: string): Settings {
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
  };
}
