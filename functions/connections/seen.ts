import { setTimeout as sleep } from 'node:timers/promises';
import type { Told } from '../../domain/outlets.ts';
import type { Deps } from '../../domain/ports.ts';
import type { VendorMode } from '../../domain/vendors.ts';

/**
 * `set`: there is a credential, and it cannot be tried without doing something. `wrong`: it was tried, and refused.
 * `unreachable`: nobody can tell at this moment. `incomplete`: it answers, and something is missing in its configuration.
 */
export type State = 'connected' | 'set' | 'off' | 'wrong' | 'unreachable' | 'incomplete';
export type Connection = {
  name: string;
  state: State;
  detail: string;
  /** Absent: it is no vendor, or one that the configuration names with its address. */
  mode?: VendorMode;
  /** Without paths and passwords. */
  address?: string;
  /** The names of the settings that Firebreak authenticates with. */
  credentials?: string[];
};

/** What was seen of a connection, and what to do about it. */
export type Seen = Omit<Connection, 'name'>;

/** All are asked at once, and the function of the API has twenty seconds. */
const PATIENCE_MS = 10_000;

export const ANSWERS: Seen = { state: 'connected', detail: 'it answers' };
export const off = (detail: string): Seen => ({ state: 'off', detail });
export const wrong = (detail: string): Seen => ({ state: 'wrong', detail });
export const unreachable = (detail: string): Seen => ({ state: 'unreachable', detail });

/** One that cannot be told about keeps no other from it. */
export async function inTime(name: string, looked: Promise<Seen>): Promise<Connection> {
  const late = sleep(PATIENCE_MS, unreachable(`no answer within ${PATIENCE_MS / 1000} s`), { ref: false });
  return { name, ...(await Promise.race([looked.catch((error: unknown) => unreachable(String(error))), late])) };
}

/** @param seen what to make of an answer; absent: that there is one is enough */
export async function told<T>(asked: Promise<Told<T>>, seen: (value: T) => Seen = () => ANSWERS): Promise<Seen> {
  const answer = await asked;
  switch (answer.kind) {
    case 'done':
      return seen(answer.value);
    case 'off':
      return off(answer.detail);
    case 'refused':
      // Nobody has what was looked for, which is an answer.
      return answer.code === 'not_found' ? ANSWERS : wrong(answer.detail);
    case 'later':
    case 'unclear':
      return unreachable(answer.detail);
  }
}

type Credential = {
  key: string;
  /** Why it is not tried, or when it shows whether it is right. */
  untried: string;
  /** What there is not without it. */
  without?: string;
};

/** Whether a credential is set, of which nobody can tell here whether it is right. */
export async function credential({ secrets }: Pick<Deps, 'secrets'>, wanted: Credential): Promise<Seen> {
  const { key, untried, without } = wanted;
  const set = await credentialOf(secrets, key);
  if (set === undefined) return off(`${key} is not set${without === undefined ? '' : `: ${without}`}`);
  // As when a line is copied with its end.
  if (/\s/.test((await secrets.get(set)) ?? ''))
    return wrong(`${set} has blanks, which no credential has: set it anew`);
  return { state: 'set', detail: `${set} is set; ${untried}` };
}

/** What is set of a credential, by its name. A GitHub App does for a token. Undefined: nothing. */
export async function credentialOf(secrets: Deps['secrets'], key: string): Promise<string | undefined> {
  if (await secrets.get(key)) return key;
  const isApp = key === 'GITHUB_TOKEN' && (await secrets.get('GITHUB_APP_ID'));
  return isApp && (await secrets.get('GITHUB_APP_PRIVATE_KEY')) ? 'GITHUB_APP_ID' : undefined;
}
