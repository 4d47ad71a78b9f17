import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import { secretsIn, type SigningSecrets } from '../../schemas/config/signing-secret.ts';
import { isOfStandIn, type StandIns, type VendorMode } from '../../core/domain/catalogue/vendors.ts';
import { faultOf } from './signing-secrets.ts';

/**
 * State of a connection. `set`: a credential is set, but cannot be tested without side effects. `wrong`: the credential
 * was refused, or the configuration is wrong. `unreachable`: the check got no result. `incomplete`: reachable, but part
 * of its configuration is missing.
 */
export type ConnectionState = 'connected' | 'set' | 'off' | 'wrong' | 'unreachable' | 'incomplete';
export type Connection = {
  name: string;
  state: ConnectionState;
  detail: string;
  /** Absent for connections that are not vendors, and for those whose address is in the configuration. */
  mode?: VendorMode;
  /** The address, without path and password. */
  address?: string;
  /** The names of the settings that Firebreak authenticates with. */
  credentials?: string[];
};

/** The result of a check, and what to do about it. */
export type CheckResult = Omit<Connection, 'name'>;

/** The time limit of a check. All run in parallel, and the API's function has a time-out of 20 seconds. */
const TIMEOUT_MS = 10_000;

export const REACHABLE: CheckResult = { state: 'connected', detail: 'reachable' };
export const off = (detail: string): CheckResult => ({ state: 'off', detail });
export const wrong = (detail: string): CheckResult => ({ state: 'wrong', detail });
export const unreachable = (detail: string): CheckResult => ({ state: 'unreachable', detail });

/** Returns the result of a check, so that one that fails does not block the others. */
export const ended = async (name: string, check: Promise<CheckResult>): Promise<Connection> => ({
  name,
  ...(await check.catch((error: unknown) => unreachable(String(error)))),
});

/** Limits the time of a check that waits for another system, or reads very much, so that one that hangs does not block the others. */
export async function inTime(name: string, check: Promise<CheckResult>): Promise<Connection> {
  const { promise: late, resolve } = Promise.withResolvers<Connection>();
  const timer = setTimeout(resolve, TIMEOUT_MS, {
    name,
    ...unreachable(`no response within ${TIMEOUT_MS / 1000} s`),
  });
  return Promise.race([ended(name, check), late]).finally(() => clearTimeout(timer));
}

/**
 * Turns a vendor's response into a check result.
 *
 * @param onSuccess judges a successful response; by default, any is fine
 */
export async function checked<T>(
  request: Promise<VendorResponse<T>>,
  onSuccess: (value: T) => CheckResult = () => REACHABLE,
): Promise<CheckResult> {
  const answer = await request;
  switch (answer.kind) {
    case 'done':
      return onSuccess(answer.value);
    case 'off':
      return off(answer.detail);
    case 'refused':
      // All checks ask for what exists at the vendor's address, so "not found" is the answer of another server.
      return wrong(answer.code === 'not_found' ? `${answer.detail}; check the address` : answer.detail);
    case 'later':
    case 'unclear':
      return unreachable(answer.detail);
  }
}

type Credential = {
  key: string;
  /** Why the credential is not tested, or what will show whether it is correct. */
  notTested: string;
  /** What does not work without the credential. */
  without?: string;
  /** It signs, or checks signatures. */
  signs?: SigningSecrets;
};

/** What checking a credential needs. */
export type CredentialDeps = { secrets: Secrets; standIns: StandIns };

/** Checks that a credential is set, if it cannot be tested here. */
export async function credential({ secrets, standIns }: CredentialDeps, wanted: Credential): Promise<CheckResult> {
  const { key, notTested, without, signs } = wanted;
  const set = await credentialOf(secrets, key);
  if (set === undefined) return off(`${key} is not set${without === undefined ? '' : `: ${without}`}`);
  // For example, a line break that was copied with the credential.
  const value = (await secrets.get(set)) ?? '';
  const values = signs === 'several' ? secretsIn(value) : [value];
  if (values.some((one) => /\s/.test(one)))
    return wrong(`${set} contains whitespace, which no credential has; set it again`);
  const fault = signs === undefined ? null : faultOf(set, value, signs);
  if (fault !== null) return wrong(fault);
  if (await isOfStandIn(set, (name) => secrets.get(name), standIns))
    return { state: 'set', detail: `${set} is only used with a stand-in of the sandbox` };
  return { state: 'set', detail: `${set} is set; ${notTested}` };
}

/** Returns the name of the secret that is set, or undefined. A GitHub App replaces a GitHub token. */
export async function credentialOf(secrets: Secrets, key: string): Promise<string | undefined> {
  if (await secrets.get(key)) return key;
  const isApp = key === 'GITHUB_TOKEN' && (await secrets.get('GITHUB_APP_ID'));
  return isApp && (await secrets.get('GITHUB_APP_PRIVATE_KEY')) ? 'GITHUB_APP_ID' : undefined;
}
