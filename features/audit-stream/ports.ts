import * as z from 'zod';
import { put } from '../../platforms/store.ts';
import { callEndpoint, isSuccess, responseText } from '../../vendors/webhook/endpoint.ts';
import type { FeatureParts } from '../manifest.ts';
import { keys } from './keys.ts';

/** Milliseconds for one part. */
const TIMEOUT_MS = 10_000;

type Receiver = { url: string; signature: string };

/**
 * How far a receiver has the log. `position`: of the last entry that it has; null: it has nothing. `until`: of the last
 * entry of the part that is being sent; null: there is none.
 */
const Progress = z.object({
  position: z.string().nullable().default(null),
  until: z.string().nullable().default(null),
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
