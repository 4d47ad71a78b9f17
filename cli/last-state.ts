import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { z } from 'zod';
import { CheckReason } from '../schemas/freeze-check.ts';
import { Timestamp } from '../schemas/time.ts';
import type { World } from './world.ts';

const Kept = z.object({
  state: z.string(),
  keys: z.custom<JSONWebKeySet>((keys) => typeof keys === 'object' && keys !== null && 'keys' in keys),
});

/** What Firebreak said last of a place, as it has signed it. */
export const LastState = z.object({
  typ: z.literal('freeze-state'),
  service: z.string(),
  environment: z.string(),
  allowed: z.boolean(),
  verdict: z.enum(['allow', 'warn', 'freeze']),
  reasons: z.array(CheckReason),
  pinned: z.array(z.string()),
  evaluated_at: Timestamp,
  next_transition_at: Timestamp.nullable(),
  on_outage: z.enum(['allow', 'deny']),
});
export type LastState = z.infer<typeof LastState>;

/** `fresh`: not older than policy lets it be. */
export type Remembered = { state: LastState; fresh: boolean };

type Place = { service: string; environment: string };

/** A file for each Firebreak and place: what is named, or below the user's cache. */
export function stateFile({ env, cwd }: World, url: string, { service, environment }: Place, given?: string): string {
  if (given !== undefined) return resolve(cwd, given);
  const name = createHash('sha256')
    .update(JSON.stringify([url, service, environment]))
    .digest('hex')
    .slice(0, 24);
  const cache = env['XDG_CACHE_HOME'] || join(env['HOME'] || cwd, '.cache');
  return join(cache, 'firebreak', `freeze-${name}.json`);
}

/** In one move, so that whoever reads it meanwhile finds a whole one. */
export async function remember(file: string, state: string, keys: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify({ state, keys }), { mode: 0o600 });
  await rename(unfinished, file);
}

/** Null: nothing is kept for this place, or nothing that Firebreak has signed. */
export async function recall(file: string, { service, environment }: Place, now: Date): Promise<Remembered | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  const kept = text === null ? null : Kept.safeParse(jsonIn(text));
  if (!kept?.success) return null;
  const read = await signed(kept.data.state, kept.data.keys, now);
  const state = LastState.safeParse(read?.claims);
  if (read === null || !state.success || state.data.service !== service || state.data.environment !== environment)
    return null;
  return { state: state.data, fresh: read.fresh };
}

/** One that has expired was signed all the same: it says what policy wants where nothing newer is known. */
async function signed(
  token: string,
  keys: JSONWebKeySet,
  now: Date,
): Promise<{ claims: unknown; fresh: boolean } | null> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms: ['ES256'],
      issuer: 'firebreak',
      currentDate: now,
    });
    return { claims: payload, fresh: true };
  } catch (error) {
    // Its time is looked at after its signature.
    return error instanceof errors.JWTExpired ? { claims: error.payload, fresh: false } : null;
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
