import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { isThisMachine } from '../../../entrances/cli/credentials.ts';
import { jsonIn, publicKeysIn, thumbprintsOf, trustedBy, UnusableKeys } from '../../../entrances/cli/offline/keys.mjs';
import { readState } from '../../../entrances/cli/offline/signed-state.mjs';
import { withLock, storeAnswer, type CheckTarget, replaceFile } from '../../../entrances/cli/offline/state-file.mjs';
import { UsageError, type CommandContext } from '../../../entrances/cli/command-context.ts';

/** Thumbprints of the keys that each Firebreak published at the last check, by its address. */
const PublishedKeys = z.record(z.string(), z.array(z.string()));

/** Returns the file of the last signed answers: the given one, or a file in the user's cache. */
export const stateFile = ({ env, cwd }: CommandContext, option?: string): string =>
  option === undefined
    ? join(env['XDG_CACHE_HOME'] || join(env['HOME'] || cwd, '.cache'), 'firebreak', 'freeze-states.json')
    : resolve(cwd, option);

/** Stored with the user's configuration, not in the cache: write access to the cache must not allow new trusted keys. */
const keysFile = ({ env, cwd }: CommandContext): string =>
  join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || cwd, '.config'), 'firebreak', 'keys.json');

/** Trusted keys: `configured` by the user, or those that the Firebreak at this address `published` at the last check. */
export type Trust = { kind: 'configured' | 'published'; keys: ReadonlySet<string> };

/**
 * Returns the trusted keys of a Firebreak, by its address.
 *
 * @param option value of `--keys`
 * @throws UsageError if the setting is unusable. Falling back to other keys would weaken it
 */
export async function trustedKeysFor(context: CommandContext, server: string, option?: string): Promise<Trust> {
  const setting = option ?? (context.env['FIREBREAK_KEYS'] || undefined);
  if (setting === undefined) return { kind: 'published', keys: new Set((await storedKeys(context))[server] ?? []) };
  try {
    return { kind: 'configured', keys: trustedBy(setting, context.cwd) };
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
export async function storeVerifiedAnswer(
  context: CommandContext,
  file: string,
  target: CheckTarget,
  trust: Trust,
  { state, jwks }: { state: string; jwks: unknown },
): Promise<void> {
  const keys = publicKeysIn(jwks);
  const verified = readState(state, keys, trust.kind === 'configured' ? trust.keys : thumbprintsOf(keys));
  if (!verified.ok) throw new Error(verified.problem);
  if (trust.kind === 'published') await storePublishedKeys(context, target.server, [...thumbprintsOf(keys)]);
  await storeAnswer(file, { ...target, state, keys });
}

async function storePublishedKeys(context: CommandContext, server: string, keys: readonly string[]): Promise<void> {
  const { protocol, hostname } = new URL(server);
  if (protocol !== 'https:' && !isThisMachine(server))
    throw new Error(
      `the keys of ${hostname} were fetched over http and cannot be trusted: use https, or set FIREBREAK_KEYS ` +
        '(to print the keys: firebreak freeze keys)',
    );
  const isStored = (stored: z.infer<typeof PublishedKeys>) => JSON.stringify(stored[server]) === JSON.stringify(keys);
  if (isStored(await storedKeys(context))) return;
  const file = keysFile(context);
  await withLock(file, async () => {
    const updated = { ...(await storedKeys(context)), [server]: keys };
    await replaceFile(file, `${JSON.stringify(updated, null, 2)}\n`);
  });
}

/** Returns the stored keys; none if the file is missing or unreadable: then no stored answer is trusted. */
async function storedKeys(context: CommandContext): Promise<z.infer<typeof PublishedKeys>> {
  const text = await readFile(keysFile(context), 'utf8').catch(() => '');
  return PublishedKeys.safeParse(jsonIn(text)).data ?? {};
}
