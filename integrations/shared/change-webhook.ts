import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { NAME_MAX_CHARS, type Version } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** The content of a webhook: reports of changes, why it is ignored, or why it cannot be read. */
export type ReadChanges = { reports: readonly ChangeReport[] } | { ignored: string } | { unreadable: string };

/** A webhook after its sender was authenticated. */
export type ReceivedWebhook = {
  /** The parsed JSON. */
  payload: unknown;
  /** Returns a header of the request. Undefined for a webhook that is replayed from the quarantine. */
  header: (name: string) => string | undefined;
  now: Timestamp;
};

/** Describes why a payload does not match its schema. */
export const unreadable = (event: string, error: z.ZodError): { unreadable: string } => ({
  unreadable: `${event}: ${z.prettifyError(error)}`,
});

/**
 * Returns whether one of the secrets signed these bytes.
 *
 * @param hex the signature in hexadecimal
 * @param secrets separated by commas, so that a secret can be rotated; without a secret, no signature is valid
 */
export function hasValidHmac(
  algorithm: 'sha256' | 'sha512',
  body: Uint8Array,
  hex: string | undefined,
  secrets: string | undefined,
): boolean {
  const length = algorithm === 'sha256' ? 64 : 128;
  if (hex?.length !== length || !/^[0-9a-f]+$/i.test(hex)) return false;
  const received = Buffer.from(hex, 'hex');
  return (secrets ?? '')
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '')
    .some((secret) => timingSafeEqual(received, createHmac(algorithm, secret).update(body).digest()));
}

/** A Git commit, SHA-1 or SHA-256. */
export const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** Returns the text as a version, truncated if it is too long. The report is checked as a whole before it is recorded. */
export const versionOf = (text: string): Version => text.slice(0, NAME_MAX_CHARS).toWellFormed() as Version;
