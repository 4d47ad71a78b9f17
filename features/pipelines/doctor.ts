import * as z from 'zod';
import type { Client } from '../../entrances/cli/client.ts';
import type { Finding } from '../../core/domain/catalogue/doctor-findings.ts';

const UnmappedPipelines = z.object({ items: z.array(z.object({ why: z.string(), lines: z.string() })) });

/** Returns a warning, with the lines that map it, for each pipeline whose runs belong to no single service. */
export async function unmappedPipelines(client: Client): Promise<Finding[]> {
  const { items } = await client.get('/v1/pipelines/unmapped', UnmappedPipelines);
  return items.map(({ why, lines }) => ({
    verdict: 'warn',
    about: 'unmapped pipeline',
    text: `${why}; add to config/services.yaml:`,
    lines: lines.split('\n'),
  }));
}
