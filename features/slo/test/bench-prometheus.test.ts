import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { objectives, startPrometheus } from '../../../packages/lab/bench/harness/prometheus.ts';
import { readByOwnQueries, readRecorded } from '../evaluation/read-objective.ts';
import { prometheusQueries } from '../../../vendors/prometheus/queries.ts';
import { loadSlos } from '../files.ts';
import { serverAt } from '../../../vendors/shared/server.ts';

/** Ten events per second, of which one in ten thousand fails. */
const COUNTED = { events: 3000, errors: expect.closeTo(0.3) };

async function written() {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-bench-slos-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'all.yaml'), objectives(['checkout', 'search'], 2));
  return loadSlos(folder);
}

test('the SLOs under load are valid, and Prometheus counts events and errors of each', async () => {
  const { value: slos = [], problems } = await written();
  expect(problems).toEqual([]);
  expect(slos.map(({ service }) => service)).toEqual(['checkout', 'checkout', 'search', 'search']);

  const prometheus = await startPrometheus();
  onTestFinished(() => prometheus.close());
  const metrics = prometheusQueries(async () => serverAt(prometheus.url));
  const cells = { from: Math.floor(Date.now() / 1000) - 300, count: 1 };
  for (const slo of slos) {
    const asked = await readByOwnQueries(metrics, slo, cells, true, 5000);
    expect(asked).toMatchObject({ kind: 'readings', readings: [{ kind: 'ok', bucket: COUNTED }] });
  }
  expect(prometheus.answered()).toBe(8);
  const [first] = slos;
  const recorded = await readRecorded(metrics, cells, 5000);
  expect(recorded.kind === 'recorded' && first && recorded.readingsOf(first)).toBeUndefined();
});
