import { z } from '@hono/zod-openapi';
import { CheckedChange, CheckRequest } from '../../schemas/freeze-check.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';

/** CD systems send an empty text for what they have no value for. */
const told = z
  .string()
  .max(256)
  .optional()
  .transform((text) => text || undefined);

/** What is asked about, in the address. */
export const askedQuery = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  version: told,
  commit: told,
  deployment_id: told,
  change: z
    .union([CheckedChange, z.literal('')])
    .optional()
    .transform((change) => change || undefined)
    .openapi({ description: 'deploy, hotfix, rollback, security or flag; deploy by default' }),
});

export const askedOf = (query: z.infer<typeof askedQuery>): CheckRequest => CheckRequest.parse(query);
