/** What a command has of the outside. */
export type World = {
  env: Readonly<Record<string, string | undefined>>;
  /** Where it was called. */
  cwd: string;
  /** Of the project. */
  root: string;
  /** A line for whoever reads the result. */
  out: (text: string) => void;
  /** A line about how it went. */
  err: (text: string) => void;
};

/** The answer is no: what was asked for was not found, not done, or is not right. Exit code 1. */
export class No extends Error {
  override readonly name = 'No';
}

/** It was called in a way that makes no sense. Exit code 2. */
export class Misused extends Error {
  override readonly name = 'Misused';
}
