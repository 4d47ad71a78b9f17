import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { isThisMachine } from './credentials.ts';
import { jsonIn, publicKeysIn, thumbprintsOf, trustedBy, UnusableKeys } from './offline/keys.mjs';
import { readState } from './offline/signed-state.mjs';
import { alone, keep, type Place, replace } from './offline/state-file.mjs';
import { Misused, type World } from './world.ts';

/** Of each Firebreak, by its address, the thumbprints of the keys that it had when it was asked last. */
const Pins = z.record(z.string(), z.array(z.string()));

/** Where what Firebreak has said last is kept: what is named, or a file in the user's cache. */
export const stateFile = ({ env, cwd }: World, given?: string): string =>
  given === undefined
    ? join(env['XDG_CACHE_HOME'] || join(env['HOME'] || cwd, '.cache'), 'firebreak', 'freeze-states.json')
    : resolve(cwd, given);

/** Beside what people set, and not beside what is kept: who may write the one may not be able to write the other. */
const pinsFile = ({ env, cwd }: World): string =>
  join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || cwd, '.config'), 'firebreak', 'keys.json');

/** Whose signature counts: by what was set, or by what the Firebreak of this address has shown itself. */
export type Trust = { kind: 'set' | 'seen'; keys: ReadonlySet<string> };

/**
 * @param given of `--keys`
 * @throws Misused when what is set cannot be used: to trust others instead would be worse than to stop
 */
export async function trustIn(world: World, server: string, given?: string): Promise<Trust> {
  const setting = given ?? (world.env['FIREBREAK_KEYS'] || undefined);
  if (setting === undefined) return { kind: 'seen', keys: new Set((await pinned(world))[server] ?? []) };
  try {
    return { kind: 'set', keys: trustedBy(setting, world.cwd) };
  } catch (error) {
    if (error instanceof UnusableKeys) throw new Misused(error.message);
    throw error;
  }
}

/**
 * Keeps what was signed, for the time in which nobody answers, together with the keys. What could not be believed then is
 * not kept. Keys that were not set are those that Firebreak shows, as long as it can be reached so that nobody between
 * can have changed them: whoever could would also have given the answer.
 *
 * @param jwks as it was fetched from the same address
 * @throws Error with what is wrong
 */
export async function remember(
  world: World,
  file: string,
  place: Place,
  trust: Trust,
  { state, jwks }: { state: string; jwks: unknown },
): Promise<void> {
  const keys = publicKeysIn(jwks);
  const read = readState(state, keys, trust.kind === 'set' ? trust.keys : thumbprintsOf(keys));
  if (!read.ok) throw new Error(read.problem);
  if (trust.kind === 'seen') await pin(world, place.server, [...thumbprintsOf(keys)]);
  await keep(file, { ...place, state, keys });
}

async function pin(world: World, server: string, keys: readonly string[]): Promise<void> {
  const { protocol, hostname } = new URL(server);
  if (protocol !== 'https:' && !isThisMachine(server))
    throw new Error(
      `the keys of ${hostname} came over http, where anybody may have changed them: use https, or set FIREBREAK_KEYS ` +
        '(firebreak freeze keys prints them)',
    );
  const same = (pins: z.infer<typeof Pins>) => JSON.stringify(pins[server]) === JSON.stringify(keys);
  if (same(await pinned(world))) return;
  const file = pinsFile(world);
  await alone(file, async () => {
    const pins = { ...(await pinned(world)), [server]: keys };
    await replace(file, `${JSON.stringify(pins, null, 2)}\n`);
  });
}

/** None where there are none, or where what is there cannot be read: then nothing is believed without an answer. */
async function pinned(world: World): Promise<z.infer<typeof Pins>> {
  const text = await readFile(pinsFile(world), 'utf8').catch(() => '');
  return Pins.safeParse(jsonIn(text)).data ?? {};
}
