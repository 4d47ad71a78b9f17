import * as z from 'zod';
import { HttpUrl, SecretName } from '../../schemas/config/endpoint.ts';
import type { FeatureNames } from '../feature-names.ts';

/** The names of the stream of the audit log. */
export const names = {
  feature: 'audit-stream',
  response: {
    /** Where the audit log is sent, as lines of JSON, and the secret that signs them (Standard Webhooks). */
    auditStream: z.strictObject({ url: HttpUrl, signature: SecretName }).optional(),
  },
} as const satisfies FeatureNames;
