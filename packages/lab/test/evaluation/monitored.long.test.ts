import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { renewed, type Results } from '../../bench/measurements/judgement-sets.ts';
import { inputsAt, judgeMonitored } from '../../bench/measurements/monitored.ts';
import { MIN_CONFIDENCE_TO_ASK } from '../../../../core/domain/correlation/correlate.ts';
import { DECIDE_VERSION } from '../../../../core/domain/rollback/guards.ts';
import { monitoredCase, MONITORED_SEED } from '../../evaluation/monitored/case.ts';
import { ADDED_CLASS_NAMES, CLASS_NAMES, CONFOUNDER_CLASS_NAMES } from '../../evaluation/monitored/labels.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { monitoredTable } from '../../evaluation/monitored/print.ts';

test('a sample can be judged by the product, in threads as well, and printed', async () => {
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
  const proved = reports['evidence: proved'];
  // What another limit would give agrees with the decisions at the present one.
  const present = proved?.by_limit.find(({ limit }) => limit === MIN_CONFIDENCE_TO_ASK);
  expect(present).toMatchObject({ named: proved?.clear_others_named, asked_wrongly: proved?.questions_wrong });
  const { calibration_by: _, ...expected } = proved ?? {};
  const monitored = [{ seed: MONITORED_SEED, share: 0.001 }];
  const confounders = [{ seed: MONITORED_SEED, share: 0.001 }];
  const sets = [{ use: 'validation', first: [], monitored, confounders }] as const;
  const all: Results[] = [];
  for await (const results of renewed({ first: {}, monitored: {}, confounders: {} }, sets)) all.push(results);
  expect(all.map((results) => results.monitored.validation?.together.proved)).toMatchObject([expected, expected]);
  expect(all[0]?.monitored.validation).toMatchObject({
    decide_version: DECIDE_VERSION,
    sets: [{ seed: MONITORED_SEED, proved: { cases: proved?.cases } }],
    added: { cases: ADDED_CLASS_NAMES.length },
  });
  expect(all[1]?.confounders.validation).toMatchObject({
    decide_version: DECIDE_VERSION,
    sets: confounders,
    proved: { cases: CONFOUNDER_CLASS_NAMES.length },
  });
});

test('the classes that were added later are judged, too, and counted apart', async () => {
  const { 'evidence: proved': report } = await judgeMonitored(MONITORED_SEED, 0.001, ADDED_CLASS_NAMES);
  expect(report?.classes.map(({ name, cases }) => [name, cases])).toEqual(ADDED_CLASS_NAMES.map((name) => [name, 1]));
  expect(report?.wrong).toEqual([]);
});

test('what a watch found is evidence, but not that its own alert names the version, or when it starts', async () => {
  const monitored = monitoredCase(MONITORED_SEED, 'watch_degraded_deploy', 0);
  const { evidence } = await inputsAt(monitored, monitored.at);
  expect(evidence.degraded_version).toMatchObject({ change_id: monitored.label.cause, comparison: 'before' });
  expect(evidence.alert_versions).toEqual([]);
  const received = timestamp(Math.round((monitored.world.epoch + monitored.alert.at) * 1000));
  expect(evidence.onset.alertStartedAt).toBe(received);
});

test('the cases of the first classes are those of all earlier results', () => {
  const hash = createHash('sha256');
  for (const name of CLASS_NAMES) {
    const { id, label, at, alert, others, world, stage } = monitoredCase(MONITORED_SEED, name, 1);
    const { services, rollouts, first, epoch, length } = world;
    const faults = world.faults.map(({ shape, ...fault }) => ({ ...fault, now: shape(at) }));
    // Records of canaries had only the share of the first step.
    const recorded = stage.recorded.map((one) =>
      Object.fromEntries(
        Object.entries(one).map(([field, value]) =>
          field === 'canarySteps' ? ['canaryWeight', one.canarySteps[0]?.share ?? null] : [field, value],
        ),
      ),
    );
    hash.update(
      JSON.stringify({
        id,
        label,
        at,
        alert,
        others,
        services,
        rollouts,
        first: [...first],
        epoch,
        length,
        recorded,
        faults,
      }),
    );
  }
  // If this changes, earlier results are about other cases: judge them again, and say so in docs/explanation/evaluation.md.
  expect(hash.digest('hex').slice(0, 16)).toBe('b374bf9a20f03a4e');
});
