import * as z from 'zod';
import type { Client } from '../../entrances/cli/client.ts';
import type { Finding } from '../../core/domain/catalogue/doctor-findings.ts';

const UnobservedChaos = z.object({
  items: z.array(z.object({ object: z.string(), why: z.string(), fix: z.string() })),
});

/** Returns a warning for each run of a chaos system that could not be observed, and for lists that could not be read. */
export async function unobservedChaos(client: Client): Promise<Finding[]> {
  const { items } = await client.get('/v1/experiments/unobserved', UnobservedChaos);
  return items.map(({ object, why, fix }) => ({
    verdict: 'warn',
    about: 'unobserved experiment',
    text: `${object}: ${why}${fix === '' ? '' : `; ${fix}`}`,
  }));
}
