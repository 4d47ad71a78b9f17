import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { have } from '../support/prometheus-stack.ts';
import { FOLDER, runTool } from './monitoring-files.ts';
import { HEALTHY, RULE_CASES, type RuleCase } from './rule-cases.ts';

test.runIf(have('promtool'))('rules fire in their cases, and not before', () => {
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-rules-'));
  try {
    const file = join(folder, 'rules.test.yaml');
    writeFileSync(file, stringify(promtoolTests()));
    expect(runTool('promtool', 'test', 'rules', file)).toEqual({ status: 0, said: expect.stringContaining('SUCCESS') });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Checks alerts by the series that Prometheus writes for them, so that cases contain no texts. */
function promtoolTests(): object {
  const of = ({ name, series, fires = [], quiet = [] }: RuleCase) => ({
    name,
    interval: '15s',
    input_series: Object.entries(series).map(([labels, values]) => ({ series: labels, values })),
    promql_expr_test: [
      ...fires.map(({ alert, at }) => ({ ...asked(alert, at), exp_samples: [{ labels: '{}', value: 1 }] })),
      ...quiet.map(({ alert, at }) => ({ ...asked(alert, at), exp_samples: [] })),
    ],
  });
  const asked = (alert: string, at: string) => ({
    expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
    eval_time: at,
  });
  const calm = ['10m', '20m', '40m', '80m'].map((at) => ({
    expr: 'ALERTS{alertstate="firing"}',
    eval_time: at,
    exp_samples: [],
  }));
  return {
    rule_files: [join(FOLDER, 'firebreak-rules.yaml')],
    evaluation_interval: '1m',
    tests: [...RULE_CASES.map(of), { ...of({ name: 'a quiet day', series: HEALTHY }), promql_expr_test: calm }],
  };
}
