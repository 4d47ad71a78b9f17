import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import { sha256 } from '../hash.ts';

/** A key of the table. */
export type Key = { pk: string; sk: string };

/** DynamoDB limits a partition key to 2048 bytes and a sort key to 1024 bytes. Keys here have up to three parts. */
const PART_MAX_CHARS = 320;

/**
 * Encodes a name, which can contain any character, because '#' separates the parts of a key. A Chinese character takes
 * nine bytes.
 */
export const part = (name: string): string => short(encodeURIComponent(name));

/** Shortens a long name; it then ends in its hash. Encoded text never contains a percent sign before a tilde. */
export const short = (encoded: string): string =>
  encoded.length <= PART_MAX_CHARS ? encoded : `${encoded.slice(0, PART_MAX_CHARS - 66)}%~${sha256(encoded)}`;

export const serviceEnvironmentKey = ({ service, environment }: ServiceEnvironment): string =>
  `${part(service)}#${part(environment)}`;

/**
 * DynamoDB allows 1,000 write units per second for one partition key, and an index that cannot keep up throttles the
 * table itself. Partitions that are written with each alert, message, or deployment are therefore split. Four shards
 * use the 4,000 units per second with which a new on-demand table starts. A change of this number requires a rewrite of
 * the table.
 */
export const SHARDS = 4;

/** 256 is a multiple of `SHARDS`, so that all shards get the same share. */
export const shardOf = (name: string): number => parseInt(sha256(name).slice(0, 2), 16) % SHARDS;

export const shardsOf = (name: string): readonly string[] =>
  Array.from({ length: SHARDS }, (_, shard) => `${name}#${shard}`);

/** Zero-padded, so that sequence numbers sort as text. */
export const digits = (n: number): string => String(n).padStart(10, '0');
