import { GetParametersByPathCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { Secrets } from '../domain/ports.ts';

/** A rotated secret reaches what already runs within this time; in trials sooner, as everything there, but for the shortest. */
const KEPT_MS = 30_000;
const KEPT_MIN_MS = 1000;

/** SSM holds no empty value. Where empty says something of its own, two quotation marks stand for it. */
const EMPTY = '""';

/**
 * Secrets as SSM parameters below one path, read together and kept for half a minute. While SSM does not answer, those
 * that were read last stay in use: the receivers must not close because secrets cannot be rotated at the moment.
 *
 * @param timeScale how much faster than life our own pauses go
 */
export function ssmSecrets(client: SSMClient, path: string, now: () => number, timeScale = 1): Secrets {
  const keptMs = Math.max(KEPT_MS / timeScale, KEPT_MIN_MS);
  let kept: { until: number; values: Promise<Map<string, string>> } | undefined;
  let last: Map<string, string> | undefined;
  const read = async (): Promise<Map<string, string>> => {
    try {
      last = await readAll(client, path);
    } catch (error) {
      if (last === undefined) throw error;
    }
    return last;
  };
  return {
    async get(name) {
      if (kept === undefined || kept.until <= now()) {
        const values = read();
        kept = { until: now() + keptMs, values };
        values.catch(() => (kept = undefined)); // nothing was ever read: the next one tries again
      }
      return (await kept.values).get(name);
    },
  };
}

async function readAll(client: SSMClient, path: string): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  let next: string | undefined;
  do {
    const page = await client.send(
      new GetParametersByPathCommand({ Path: path, WithDecryption: true, ...(next ? { NextToken: next } : {}) }),
    );
    for (const { Name, Value } of page.Parameters ?? []) {
      if (Name !== undefined && Value !== undefined)
        values.set(Name.slice(path.length + 1), Value === EMPTY ? '' : Value);
    }
    next = page.NextToken;
  } while (next !== undefined);
  return values;
}
