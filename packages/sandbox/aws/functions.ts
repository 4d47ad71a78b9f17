import { createHash, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../core/exchanges.ts';

/** A published version. A function exists if it has a version. */
export type FunctionVersion = {
  function: string;
  number: number;
  description: string;
  state: 'Active' | 'Failed';
  /** Milliseconds since the Unix epoch. */
  published_at: number;
};

export type Alias = {
  function: string;
  name: string;
  /** `$LATEST`, or a number as text. */
  version: string;
  description: string;
  /** Shares of the traffic by version, greater than 0 and at most 1. */
  weights: Record<string, number>;
  /** The revision ID, which changes with every update. */
  revision: string;
};

export type Functions = ReturnType<typeof openFunctions>;

export function openFunctions(db: DatabaseSync) {
  const stored = documents<FunctionVersion>(db, 'lambda version');
  const aliases = documents<Alias>(db, 'lambda alias');
  /** Returns the versions of a function, lowest number first. */
  const versions = (name: string) => stored.all().filter((version) => version.function === name);
  return {
    versions,
    names: () => [...new Set(stored.all().map((version) => version.function))],
    /** Publishes a version with the next number. */
    publish(name: string, { description, state = 'Active' }: Partial<FunctionVersion>, now: number): FunctionVersion {
      const number = versions(name).length + 1;
      const version = { function: name, number, description: description ?? '', state, published_at: now };
      return stored.put(version, name, String(number));
    },
    alias: (name: string, alias: string) => aliases.get(name, alias),
    aliases: (name: string) => aliases.all().filter((alias) => alias.function === name),
    /** Stores an alias, and returns it with its new revision ID. */
    setAlias: (changed: Omit<Alias, 'revision'>): Alias =>
      aliases.put({ ...changed, revision: randomUUID() }, changed.function, changed.name),
  };
}

/** Returns the hash of the code. Code is not stored, so each version number has a different hash. */
export const codeSha256 = ({ function: name, number }: FunctionVersion): string =>
  createHash('sha256').update(`${name}:${number}`).digest('base64');
