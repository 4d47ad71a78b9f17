import type { Env } from '../schemas/variables.ts';

/** What a command needs from outside. */
export type World = {
  env: Readonly<Env>;
  /** The folder that it was called in. */
  cwd: string;
  /** The folder of the project. */
  root: string;
  /** Prints a line of the result. */
  out: (text: string) => void;
  /** Prints a line about how it went. */
  err: (text: string) => void;
  /** Asks the person at the terminal. Absent: input or output is no terminal, so nobody can answer. */
  ask?: (question: string) => Promise<string>;
};

/** The answer is no: what was asked for was not found, not done, or is not right. Exit code 1. */
export class No extends Error {
  override readonly name = 'No';
}

/** It was called in a way that makes no sense. Exit code 2. */
export class Misused extends Error {
  override readonly name = 'Misused';
}
