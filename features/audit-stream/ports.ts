import * as z from 'zod';
import { put } from '../../platforms/store.ts';
import { callEndpoint, isSuccess, responseText } from '../../vendors/webhook/endpoint.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import type { FeatureDeps, FeatureParts } from '../manifest.ts';
import { keys } from './keys.ts';

/** Milliseconds for one part. */
const TIMEOUT_MS = 10_000;

type Receiver = { url: string; signature: string };

/** Why the last attempt failed. `oldest`: the first entry that the receiver does not have. */
export const Failure = z.object({
  at: Timestamp,
  detail: z.string(),
  oldest: z.object({ id: z.string(), at: Timestamp }),
});

/**
 * How far a receiver has the log. `position`: of the last entry that it has; null: it has nothing. `until`: of the last
 * entry of the part that is being sent; null: there is none. `failure`: null after a success.
 */
const Progress = z.object({
  position: z.string().nullable().default(null),
  until: z.string().nullable().default(null),
  failure: Failure.nullable().default(null),
});
export type Progress = z.infer<typeof Progress>;

export type AuditStreamPorts = {
  progress(url: string): Promise<Progress>;
  keep(url: string, progress: Progress): Promise<void>;
  /** Sends lines. `id`: the same for each attempt. Returns why it failed, or null. */
  send(receiver: Receiver, id: string, lines: readonly object[]): Promise<string | null>;
};

export const auditStreamPorts = ({ table, system }: FeatureParts): AuditStreamPorts => ({
  progress: async (url) => Progress.parse((await table.get(keys.progress(url))) ?? {}),
  keep: async (url, progress) => void (await table.transact([put({ ...keys.progress(url), ...progress })])),
  async send({ url, signature }, id, lines) {
    const name = 'the receiver of the audit log';
    const { secrets, clock } = system;
    const response = await callEndpoint(
      { name, auth: { webhookSignature: signature }, secrets, clock },
      { url, method: 'POST', id, lines, timeoutMs: TIMEOUT_MS },
    );
    if ('kind' in response) return response.detail;
    return isSuccess(response) ? null : responseText(name, response);
  },
});

/** Returns the configured receiver, with what it is sent by. Undefined: there is none. */
export async function streamOf({ config, features }: Pick<FeatureDeps, 'config' | 'features'>) {
  const { auditStream: receiver } = (await config.current()).response;
  return receiver && { receiver, stream: features['audit-stream'] as AuditStreamPorts };
}

/**
 * Returns the host of the configured receiver, because the rest of its URL may be secret, whether it has accepted a request, and why
 * the last attempt failed.
 */
export async function streamState(deps: Pick<FeatureDeps, 'config' | 'features'>) {
  const configured = await streamOf(deps);
  if (configured === undefined) return { receiver: null, used: false, failure: null };
  const { receiver, stream } = configured;
  const { position, failure } = await stream.progress(receiver.url);
  return { receiver: new URL(receiver.url).host, used: position !== null, failure };
}
