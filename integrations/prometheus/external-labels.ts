import { parse } from 'yaml';
import * as z from 'zod';
import { readUnauthenticated } from '../shared/read.ts';

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
export async function externalLabels(base: string): Promise<ReadonlyMap<string, string>> {
  const status = await readUnauthenticated(base, '/api/v1/status/config', Status);
  const [block] = GLOBAL_BLOCK.exec(status?.data.yaml ?? '') ?? [];
  const parsed = GlobalConfig.safeParse(block === undefined ? null : parseYaml(block));
  return new Map(Object.entries((parsed.success && parsed.data.global?.external_labels) || {}));
}

function parseYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return null;
  }
}
