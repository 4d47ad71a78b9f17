import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { isThisMachine } from './credentials.ts';
import { jsonIn, publicKeysIn, thumbprintsOf, trustedBy, UnusableKeys } from './offline/keys.mjs';
import { readState } from './offline/signed-state.mjs';
import { alone, keep, type CheckTarget, replace } from './offline/state-file.mjs';
import { UsageError, type CommandContext } from './command-context.ts';

/** Thumbprints of the keys that each Firebreak published at the last check, by its address. */
const Pins = z.record(z.string(), z.array(z.string()));

/** Returns the file of the last signed answers: the given one, or a file in the user's cache. */
export const stateFile = ({ env, cwd }: CommandContext, given?: string): string =>
  given === undefined
    ? join(env['XDG_CACHE_HOME'] || join(env['HOME'] || cwd, '.cache'), 'firebreak', 'freeze-states.json')
    : resolve(cwd, given);

/** Stored with the user's configuration, not in the cache: write access to the cache must not allow new trusted keys. */
const pinsFile = ({ env, cwd }: CommandContext): string =>
  join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || cwd, '.config'), 'firebreak', 'keys.json');

/** Trusted keys: `set` by the user, or `seen` as published by the Firebreak at this address. */
export type Trust = { kind: 'set' | 'seen'; keys: ReadonlySet<string> };

/**
 * @param given value of `--keys`
 * @throws UsageError if the setting is unusable. Falling back to other keys would weaken it
 */
export async function trustIn(context: CommandContext, server: string, given?: string): Promise<Trust> {
  const setting = given ?? (context.env['FIREBREAK_KEYS'] || undefined);
  if (setting === undefined) return { kind: 'seen', keys: new Set((await pinned(context))[server] ?? []) };
  try {
    return { kind: 'set', keys: trustedBy(setting, context.cwd) };
  } catch (error) {
    if (error instanceof UnusableKeys) throw new UsageError(error.message);
    throw error;
  }
}

/**
 * Stores a signed answer with its keys for outages. Stores nothing that could not be verified later. Without configured
 * keys, trusts the keys that Firebreak publishes, but only over https or on this machine: an attacker who could change
 * them there could also have changed the answer.
 *
 * @param jwks as fetched from the same address
 * @throws Error with the reason
 */
export async function remember(
  context: CommandContext,
  file: string,
  target: CheckTarget,
  trust: Trust,
  { state, jwks }: { state: string; jwks: unknown },
): Promise<void> {
  const keys = publicKeysIn(jwks);
  const read = readState(state, keys, trust.kind === 'set' ? trust.keys : thumbprintsOf(keys));
  if (!read.ok) throw new Error(read.problem);
  if (trust.kind === 'seen') await pin(context, target.server, [...thumbprintsOf(keys)]);
  await keep(file, { ...target, state, keys });
}

async function pin(context: CommandContext, server: string, keys: readonly string[]): Promise<void> {
  const { protocol, hostname } = new URL(server);
  if (protocol !== 'https:' && !isThisMachine(server))
    throw new Error(
      `the keys of ${hostname} were fetched over http and cannot be trusted: use https, or set FIREBREAK_KEYS ` +
        '(to print the keys: firebreak freeze keys)',
    );
  const same = (pins: z.infer<typeof Pins>) => JSON.stringify(pins[server]) === JSON.stringify(keys);
  if (same(await pinned(context))) return;
  const file = pinsFile(context);
  await alone(file, async () => {
    const pins = { ...(await pinned(context)), [server]: keys };
    await replace(file, `${JSON.stringify(pins, null, 2)}\n`);
  });
}

/** Returns the stored keys; none if the file is missing or unreadable: then no stored answer is trusted. */
async function pinned(context: CommandContext): Promise<z.infer<typeof Pins>> {
  const text = await readFile(pinsFile(context), 'utf8').catch(() => '');
  return Pins.safeParse(jsonIn(text)).data ?? {};
}
