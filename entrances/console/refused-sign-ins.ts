import type { Context } from 'hono';
import { sha256 } from '../../core/stores/hash.ts';
import { type Allowance, type Bucket, takeToken } from '../../core/domain/time/token-bucket.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { AuditLog } from '../../core/domain/ports/audit.ts';
import { millisOf } from '../../schemas/time/time.ts';
import type { Env } from '../http/context.ts';
import { BoundedMap } from '../../core/domain/bounded-map.ts';
import { addressOf } from '../http/middleware/credentials.ts';

/** Entries of the audit log about refused sign-ins, for each instance, so that nobody can fill the log. */
const ENTRIES: Allowance = { perSecond: 30 / 3600, burst: 30 };

/** An address has at most one entry in this time. The entry has the number of attempts since the previous one. */
const ADDRESS_EVERY_MS = 600_000;

const ADDRESSES_MAX = 1000;

/** How a person tried to sign in, and why that was refused. `name`: the name that the credential has. */
export type RefusedSignIn = { by: 'token' | 'link' | 'identity provider'; because: string; name?: string };

/** Returns a function that records refused sign-ins in the audit log, a sample of them if there are many. */
export function refusedSignIns({
  audit,
  clock,
  log,
}: Pick<Deps, 'clock' | 'log'> & { audit: AuditLog }): (c: Context<Env>, refused: RefusedSignIn) => Promise<void> {
  const addresses = new BoundedMap<{ recordedAtMs: number; unrecorded: number }>(ADDRESSES_MAX);
  let bucket: Bucket | undefined;
  return async (c, { by, because, name }) => {
    const address = addressOf(c);
    const at = clock.now();
    const before = addresses.get(address);
    const isDue = before === undefined || millisOf(at) - before.recordedAtMs >= ADDRESS_EVERY_MS;
    const taken = isDue ? takeToken(bucket, ENTRIES, millisOf(at)) : undefined;
    if (taken !== undefined) bucket = taken.bucket;
    if (taken?.ok !== true) {
      addresses.set(address, { recordedAtMs: before?.recordedAtMs ?? 0, unrecorded: (before?.unrecorded ?? 0) + 1 });
      return;
    }
    const attempts = (before?.unrecorded ?? 0) + 1;
    addresses.set(address, { recordedAtMs: millisOf(at), unrecorded: 0 });
    const entry = {
      id: `sign-in-refused:${sha256(`${address} ${at}`).slice(0, 16)}`,
      at,
      actor: name ?? 'unknown',
      kind: 'sign_in.refused',
      subject: address,
      text: `Refused a sign-in by ${by}: ${because}`,
      detail: { by, address, attempts },
    };
    // The response does not depend on the audit log.
    try {
      await audit.append([entry]);
    } catch (error) {
      log.warn('a refused sign-in could not be recorded', { error: String(error) });
    }
  };
}
