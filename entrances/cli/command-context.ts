import type { Config } from '../../schemas/config/config.ts';
import type { Env } from '../../schemas/config/variables.ts';

/** The terminal that stdout is. */
export type Screen = {
  /** Characters per line. Infinity: unknown. */
  width: number;
  colors: boolean;
};

/** What the CLI can use: environment variables, folders, and the terminal. */
export type Terminal = {
  env: Readonly<Env>;
  /** Working directory. */
  cwd: string;
  /** Root folder of the project. */
  root: string;
  /** Prints a line of the result to stdout. */
  out: (text: string) => void;
  /** Prints a message to stderr. */
  err: (text: string) => void;
  /** Absent: stdout is a file or a pipe. */
  screen?: Screen;
  /** Reads standard input to its end. */
  stdin?: () => Promise<Uint8Array>;
  /** Prompts the person at the terminal. Absent: input or output is not a terminal. */
  ask?: (question: string) => Promise<string>;
};

/** What a command can use. */
export type CommandContext = Terminal & {
  files: ConfigFiles;
  /** Prints text that is printable already, and can have colors. */
  outPainted: (text: string) => void;
};

type Problems = { ok: false; problems: string[] };

/** Reads configuration files exactly as a running Firebreak does. On errors, `problems` lists them as `file:line: message`. */
export type ConfigFiles = {
  loadConfig(dir: string): Promise<{ ok: true; config: Omit<Config, 'runbooks'> } | Problems>;
  loadRunbooks(dir: string): Promise<{ ok: true; set: Config['runbooks'] } | Problems>;
  loadServices(dir: string): Promise<{ services?: Config['services']; problems: string[] }>;
};

/** A failure or a negative answer, such as not found, refused, or invalid. Exit code 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

/** A usage error. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Asks the person at the terminal. @throws CommandFailure if the answer is not yes */
export async function confirm(ask: (question: string) => Promise<string>, question: string): Promise<void> {
  if (!/^\s*y(es)?\s*$/i.test(await ask(`${question} [y/N] `))) throw new CommandFailure('canceled');
}
