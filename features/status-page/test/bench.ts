import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { names } from '../../../packages/lab/bench/harness/incident.ts';
import type { Bench } from '../../../packages/lab/bench/harness/part.ts';
import { measureAddresses } from '../../../packages/lab/bench/measurements/pages.ts';
import type { Measured } from '../../../packages/lab/bench/results.ts';
import { withTable } from '../../../packages/lab/bench/table.ts';
import { DATABASE_FILE } from '../../../platforms/sqlite/data-folder.ts';
import { plusSeconds, timestamp } from '../../../schemas/time/time.ts';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import type { Table } from '../../../core/stores/table.ts';
import { PublicIncidentTable } from '../stores/public-incidents.ts';

const PUBLISHED = 300;

const components = names('Component', 30);

/** Measures the status page beside a static file of the same size. */
export function measure(bench: Bench): AsyncIterable<Measured> {
  const { folder } = bench;
  return measureAddresses(bench, names('paged', 10), async () => {
    const file = { pages: { main: { title: 'Bench', components } } };
    await writeFile(join(folder, 'config', 'status-page.yaml'), JSON.stringify(file));
    await withTable((table) => storePublished(table, PUBLISHED), join(folder, 'data', DATABASE_FILE));
    return { [`status page, ${PUBLISHED} incidents in 90 days, p50 ms`]: '/status' };
  });
}

/** Resolved incidents, spread over 80 days. */
async function storePublished(table: Table, count: number): Promise<void> {
  const now = timestamp(Date.now());
  const incidents = new PublicIncidentTable(table, { now: () => now });
  for (let number = 0; number < count; number += 1) {
    const started_at = plusSeconds(now, -Math.floor((80 * 86_400 * (number + 1)) / count));
    const resolved_at = plusSeconds(started_at, 1800);
    await incidents.write(
      {
        id: incidents.idOf(mintIncidentId(started_at)),
        title: 'Problems with {components}',
        components: [components[number % components.length] ?? ''],
        started_at,
        published_at: started_at,
        resolved_at,
        states: [
          { at: started_at, state: 'major_outage' },
          { at: resolved_at, state: 'operational' },
        ],
        updates: [
          { at: started_at, status: 'investigating', text: 'We look into {components}.', state: 'major_outage' },
          { at: resolved_at, status: 'resolved', text: '{components} works again.', state: 'operational' },
        ],
      },
      false,
    );
  }
}
