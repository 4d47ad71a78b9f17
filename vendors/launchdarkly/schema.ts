import * as z from 'zod';
import { address, signingSecret, token } from '../../schemas/config/variable.ts';
import type { RollbackTarget } from '../../schemas/rollback/target.ts';
import { Bearer } from '../../schemas/config/endpoint.ts';

const LaunchDarklyFlags = z.strictObject({
  kind: z.literal('launchdarkly'),
  project: z.string().min(1).default('default'),
  /** The environment's key at LaunchDarkly. Absent: the same name as here. */
  environment: z.string().min(1).optional(),
  /** Absent: the token in `LAUNCHDARKLY_TOKEN`. */
  auth: Bearer.optional(),
});

export const launchDarkly = {
  vendor: 'launchdarkly',
  deployers: {},
  flags: { launchdarkly: { schema: LaunchDarklyFlags } },
  variables: {
    LAUNCHDARKLY_API_URL: {
      ...address('vendors', 'https://app.launchdarkly.com'),
      group: 'delivery',
      meaning: 'LaunchDarkly REST API',
    },
    LAUNCHDARKLY_TOKEN: { ...token('delivery'), meaning: 'LaunchDarkly access token' },
    LAUNCHDARKLY_WEBHOOK_SECRET: {
      ...signingSecret('senders'),
      meaning: 'Secret that verifies LaunchDarkly webhooks; without it, they are refused',
    },
  },
  connection: {
    name: 'LaunchDarkly',
    url: 'LAUNCHDARKLY_API_URL',
    credentials: [['LAUNCHDARKLY_TOKEN']],
  },
} as const satisfies RollbackTarget;
