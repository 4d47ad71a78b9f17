import { expect, test } from 'vitest';
import { judgeMonitored } from '../../bench/measurements/monitored.ts';
import { MONITORED_SEED } from '../../evaluation/monitored/case.ts';
import { CLASS_NAMES } from '../../evaluation/monitored/labels.ts';
import { monitoredTable } from '../../evaluation/monitored/print.ts';

test('a sample can be judged by the product, and printed', async () => {
  const reports = await judgeMonitored(MONITORED_SEED, 0.001);
  for (const report of Object.values(reports)) {
    expect(report.cases).toBe(CLASS_NAMES.length);
    const counted = report.classes.flatMap(({ decidable, undecidable }) => [
      ...Object.values<number>(decidable),
      ...Object.values<number>(undecidable),
    ]);
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(report.cases);
  }
  expect(monitoredTable(reports)).toMatch(/deploy at once +roll back +1/);
});
