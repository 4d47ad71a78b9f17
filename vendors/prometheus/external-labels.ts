import * as z from 'zod';
import { readServer } from '../shared/read.ts';
import type { Server } from '../shared/server.ts';

const Status = z.object({ status: z.literal('success'), data: z.object({ yaml: z.string() }) });
const GlobalConfig = z.object({
  global: z.object({ external_labels: z.record(z.string(), z.string()).nullish() }).nullish(),
});

/**
 * The indented block under `global:`. Parsing only this block is enough; the rest of a configuration can have
 * megabytes.
 */
const GLOBAL_BLOCK = /^global:[^\n]*\n(?:[ \t][^\n]*(?:\n|$)|\n)*/m;

/**
 * Returns the external labels, which Prometheus adds to outgoing alerts and which distinguish clusters. Empty if the
 * server has none: Thanos and Mimir list alerts with all their labels.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#config
 */
export async function externalLabels(server: Server): Promise<ReadonlyMap<string, string>> {
  const status = await readServer(server, '/api/v1/status/config', Status);
  const [block] = GLOBAL_BLOCK.exec(status?.data.yaml ?? '') ?? [];
  if (block === undefined) return new Map();
  const { parseForeignYaml } = await import('../shared/yaml.ts'); // a large library
  const parsed = GlobalConfig.safeParse(parseForeignYaml(block));
  return new Map(Object.entries((parsed.success && parsed.data.global?.external_labels) || {}));
}
