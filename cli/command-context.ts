import type { Env } from '../schemas/config/variables.ts';

/** What a CLI command can use: environment variables, folders, and the terminal. */
export type CommandContext = {
  env: Readonly<Env>;
  /** Working directory. */
  cwd: string;
  /** Root folder of the project. */
  root: string;
  /** Prints a line of the result to stdout. */
  out: (text: string) => void;
  /** Prints a message to stderr. */
  err: (text: string) => void;
  /** Prompts the person at the terminal. Absent: input or output is not a terminal. */
  ask?: (question: string) => Promise<string>;
};

/** A failure or a negative answer, such as not found, refused, or invalid. Exit code 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

/** A usage error. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
