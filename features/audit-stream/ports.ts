import { put } from '../../platforms/store.ts';
import { callEndpoint, isSuccess, responseText } from '../../vendors/webhook/endpoint.ts';
import type { FeatureParts } from '../manifest.ts';
import { keys } from './keys.ts';

/** Milliseconds for one part. */
const TIMEOUT_MS = 10_000;

type Receiver = { url: string; signature: string };

export type AuditStreamPorts = {
  /** Returns the position up to which the receiver has the log. Null: it has nothing. */
  position(url: string): Promise<string | null>;
  moveTo(url: string, position: string): Promise<void>;
  /** Sends lines. `id`: the same for each attempt. Returns why it failed, or null. */
  send(receiver: Receiver, id: string, lines: readonly object[]): Promise<string | null>;
};

export const auditStreamPorts = ({ table, system }: FeatureParts): AuditStreamPorts => ({
  position: async (url) => ((await table.get(keys.position(url)))?.['position'] as string | undefined) ?? null,
  moveTo: async (url, position) => void (await table.transact([put({ ...keys.position(url), position })])),
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
