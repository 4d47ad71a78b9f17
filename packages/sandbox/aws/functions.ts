import { createHash, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

export const functionTables = `
  create table if not exists aws_versions (
    function text not null,
    number integer not null,
    description text not null,
    state text not null,
    published_at integer not null,
    primary key (function, number)
  );
  create table if not exists aws_aliases (
    function text not null,
    name text not null,
    version text not null,
    description text not null,
    weights text not null,
    revision text not null,
    primary key (function, name)
  );
`;

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

export type Functions = {
  /** Returns the versions of a function, lowest number first. */
  versions(name: string): FunctionVersion[];
  names(): string[];
  /** Publishes a version with the next number. */
  publish(name: string, version: { description: string; state?: 'Active' | 'Failed' }, now: number): FunctionVersion;
  alias(name: string, alias: string): Alias | undefined;
  aliases(name: string): Alias[];
  /** Stores an alias, and returns it with its new revision ID. */
  setAlias(alias: Omit<Alias, 'revision'>): Alias;
};

type AliasRow = Omit<Alias, 'weights'> & { weights: string };

export function openFunctions(db: DatabaseSync): Functions {
  const versions = db.prepare('select * from aws_versions where function = ? order by number');
  const names = db.prepare('select distinct function as name from aws_versions order by name');
  const publish = db.prepare(`
    insert into aws_versions (function, number, description, state, published_at)
    values (?1, (select coalesce(max(number), 0) + 1 from aws_versions where function = ?1), ?2, ?3, ?4) returning *`);
  const alias = db.prepare('select * from aws_aliases where function = ? and name = ?');
  const aliases = db.prepare('select * from aws_aliases where function = ? order by name');
  const setAlias = db.prepare(`
    insert or replace into aws_aliases (function, name, version, description, weights, revision)
    values (:function, :name, :version, :description, :weights, :revision)`);

  return {
    versions: (name) => versions.all(name) as FunctionVersion[],
    names: () => (names.all() as { name: string }[]).map(({ name }) => name),
    publish: (name, { description, state }, now) =>
      publish.get(name, description, state ?? 'Active', now) as FunctionVersion,
    alias(name, of) {
      const row = alias.get(name, of) as AliasRow | undefined;
      return row && aliasOf(row);
    },
    aliases: (name) => (aliases.all(name) as AliasRow[]).map(aliasOf),
    setAlias(changed) {
      const revision = randomUUID();
      setAlias.run({ ...changed, weights: JSON.stringify(changed.weights), revision });
      return { ...changed, revision };
    },
  };
}

const aliasOf = (row: AliasRow): Alias => ({ ...row, weights: JSON.parse(row.weights) as Record<string, number> });

/** Returns the hash of the code. Code is not stored, so each version number has a different hash. */
export const codeSha256 = ({ function: name, number }: FunctionVersion): string =>
  createHash('sha256').update(`${name}:${number}`).digest('base64');
