import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { factsOf } from '../../../core/domain/runbooks/kinds.ts';
import { hasRollbackStep, select } from '../../../core/domain/runbooks/select.ts';
import { locatedSteps } from '../../../core/domain/runbooks/located-steps.ts';
import { lintFolder, loadRunbooks } from '../../../local/config/runbook-files.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { variables } from '../../core/domain/runbooks/support.ts';

const SHIPPED = join(import.meta.dirname, '../../../runbooks');

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-runbooks-'))));
afterEach(() => rm(dir, { recursive: true }));

async function file(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, name)), { recursive: true });
  await writeFile(join(dir, name), text);
}

async function problems(): Promise<string[]> {
  const loaded = await loadRunbooks(dir);
  return loaded.ok ? [] : loaded.problems.map((problem) => problem.replace(`${dir}/`, ''));
}

const GOOD = '---\ntitle: Good\nmatch: {}\nsteps:\n  - { id: a, uses: verify }\n---\n\n# Read me\n';

test('without a folder or files, there are no runbooks', async () => {
  expect(await loadRunbooks(join(dir, 'none'))).toMatchObject({ ok: true, set: { runbooks: [] } });
  await file('README.md', 'not one');
  await file('_draft.md', 'neither');
  await file('notes.txt', 'nor this');
  expect(await loadRunbooks(dir)).toMatchObject({ ok: true, set: { runbooks: [] } });
});

test('a runbook has the name of its file, its text, and a version of its content', async () => {
  await file('good.md', GOOD);
  await file('team/other.md', GOOD.replace('title: Good', 'title: Other\nname: named').replaceAll('\n', '\r\n'));
  const first = await loadRunbooks(dir);
  if (!first.ok) throw new Error('both are right');
  const [good, other] = first.set.runbooks;
  expect(good).toMatchObject({ name: 'good', file: 'good.md', title: 'Good', body: '# Read me' });
  expect(good?.lines).toMatchObject({ title: 2, match: 3, steps: 4, 'steps.0': 5, 'steps.0.uses': 5 });
  expect(other).toMatchObject({ name: 'named', file: 'team/other.md', title: 'Other', body: '# Read me' });

  await file('good.md', `${GOOD}One more line.\n`);
  const second = await loadRunbooks(dir);
  if (!second.ok) throw new Error('both are right');
  expect(second.set.runbooks[0]?.version).not.toBe(good?.version);
  expect(second.set.runbooks[1]?.version).toBe(other?.version);
  expect(second.set.version).not.toBe(first.set.version);
});

test('in a volume of Kubernetes, each runbook counts once, under its own name', async () => {
  await file('..2026_01/good.md', GOOD);
  await file('..2026_02/good.md', GOOD.replace('title: Good', 'title: Better')); // the next version, before the switch
  await symlink('..2026_01', join(dir, '..data'));
  await symlink('..data/good.md', join(dir, 'good.md'));
  expect(await loadRunbooks(dir)).toMatchObject({ ok: true, set: { runbooks: [{ file: 'good.md', title: 'Good' }] } });

  await symlink('..2026_02', join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
  expect(await loadRunbooks(dir)).toMatchObject({
    ok: true,
    set: { runbooks: [{ file: 'good.md', title: 'Better' }] },
  });
});

describe('errors have file, line, and a suggestion', () => {
  test.each<[string, string, string[]]>([
    ['no front matter', '# Title\n', ['a.md:1: no front matter (begin with a line of three hyphens)']],
    [
      'front matter without an end',
      '---\ntitle: x\n',
      ['a.md:1: the front matter is not closed (end it with a line of three hyphens)'],
    ],
    [
      'empty front matter',
      '---\n---\n',
      ['a.md:1: title: is required', 'a.md:1: "match" is missing; use "match: {}" for every alert'],
    ],
    ['a list', '---\n- title: x\n---\n', ['a.md:1: must be an object (key: value)']],
    ['no match', '---\ntitle: x\n---\n', ['a.md:1: "match" is missing; use "match: {}" for every alert']],
    ['invalid YAML', '---\ntitle: "x\nmatch: {}\n---\n', [expect.stringMatching(/^a\.md:[34]: /)]],
    ['a duplicate key', '---\ntitle: x\nmatch: {}\ntitle: y\n---\n', [expect.stringMatching(/^a\.md:4: .*unique/)]],
    [
      'a misspelled key',
      '---\ntitle: x\nmatch: {}\npriorty: 1\nenviroments: [production]\n---\n',
      [
        'a.md:4: unknown key "priorty" (did you mean "priority"?)',
        'a.md:5: unknown key "enviroments" (did you mean "environments"?)',
      ],
    ],
    [
      'errors in the rest, too',
      `---
title: x
match: 'a="('
priorty: 1
inputs: { n: { type: numbr } }
steps:
  - { id: a, uses: rolback, timeout: 5m }
  - { id: a, uses: restart }
  - id: p
    parallel:
      - { id: b, uses: note, with: { txt: hi } }
      - { id: c, uses: note, when: steps.b.status == "failed", with: { text: "\${{ inputs.n.x }}" } }
  - { id: d, uses: note, when: labls.x == "", with: { text: "\${{ steps.b.output }} \${{ steps.e.output }}" } }
---
`,
      [
        expect.stringMatching(/^a\.md:3: match: /),
        'a.md:4: unknown key "priorty" (did you mean "priority"?)',
        expect.stringMatching(/^a\.md:5: inputs\.n\.type: .* \(did you mean "number"\?\)$/),
        expect.stringMatching(/^a\.md:7: steps\.0\.uses: .* \(did you mean "rollback"\?\)$/),
        'a.md:8: another step has the ID "a"',
        'a.md:8: step "a": restart requires a timeout (add "timeout: 10m")',
        'a.md:11: steps.2.parallel.0.with.text: is required',
        expect.stringMatching(/^a\.md:11: .*"txt"/),
        expect.stringMatching(/^a\.md:12: step "b" has not ended at this point/),
        expect.stringMatching(/^a\.md:13: .*labls/),
        expect.stringMatching(/^a\.md:13: steps\.e\.output/),
      ],
    ],
    [
      'an unknown key in a step',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: restart\n    timout: 5m\n---\n',
      ['a.md:7: steps.0: unknown key "timout" (did you mean "timeout"?)'],
    ],
    [
      'a key under with that belongs to another kind of step',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: flag.disable\n    with:\n      flg: x\n---\n',
      ['a.md:7: steps.0.with.flag: is required', 'a.md:8: steps.0.with: unknown key "flg" (did you mean "flag"?)'],
    ],
    [
      'an unknown key in a parallel step',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: p\n    parallel:\n      - { id: a, uses: verify }\n      - id: b\n        uses: verify\n        wen: true\n---\n',
      ['a.md:10: steps.0.parallel.1: unknown key "wen" (did you mean "when"?)'],
    ],
    [
      'an unknown kind of step',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: rolback\n---\n',
      [expect.stringMatching(/^a\.md:6: steps\.0\.uses: must be one of rollback, .* \(did you mean "rollback"\?\)$/)],
    ],
    [
      'a step without a kind',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n---\n',
      [expect.stringMatching(/^a\.md:5: steps\.0\.uses: is required: one of rollback, flag\.disable, /)],
    ],
    [
      'an unknown value',
      '---\ntitle: x\nmatch: {}\nmode: aprove\nseverity: criticl\n---\n',
      [
        'a.md:4: mode: must be one of shadow, suggest, approve, act (did you mean "approve"?)',
        'a.md:5: severity: must be one of critical, warning, info or a list (did you mean "critical"?)',
      ],
    ],
    [
      'an invalid matcher',
      '---\ntitle: x\nmatch:\n  any:\n    - team=~"pay(.*"\n---\n',
      [expect.stringMatching(/^a\.md:5: match\.any\.0: .*invalid regular expression pay\(\.\*: missing "\)"/)],
    ],
    [
      'an invalid timeout',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: restart\n    timeout: soon\n---\n',
      [expect.stringMatching(/^a\.md:7: steps\.0\.timeout: "soon" is not a duration/)],
    ],
    [
      'a missing ceiling',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: scale\n    with: { by: 2 }\n    timeout: 5m\n---\n',
      ['a.md:7: steps.0.with.ceiling: is required'],
    ],
    [
      'an invalid address',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: http\n    with:\n      method: GET\n      url: ops.internal/x\n---\n',
      [expect.stringMatching(/^a\.md:9: steps\.0\.with\.url: must be an http or https URL with a literal host/)],
    ],
    [
      'a type error in an expression',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: verify\n    when: service.tier == "1"\n---\n',
      ['a.md:7: service.tier == "1": no such overload: int == string'],
    ],
    [
      'an action without an inverse and a timeout',
      '---\ntitle: x\nmatch: {}\nsteps:\n  - id: a\n    uses: http\n    with: { method: POST, url: "https://x.test" }\n---\n',
      [
        'a.md:6: step "a": http requires a timeout (add "timeout: 10m")',
        'a.md:6: step "a": changes something, but does not say how to undo it (add "inverse: …", or "irreversible: true")',
      ],
    ],
  ])('%s', async (_, text, expected) => {
    await file('a.md', text);
    expect(await problems()).toEqual(expected);
  });

  test('an invalid file name', async () => {
    await file('High Errors.md', GOOD);
    expect(await problems()).toEqual([
      expect.stringMatching(/^High Errors\.md:1: name: must consist of lowercase letters, digits, and -/),
    ]);
  });

  test('two runbooks with one name', async () => {
    await file('a.md', GOOD);
    await file('b.md', GOOD.replace('title', 'name: a\ntitle'));
    expect(await problems()).toEqual(['b.md:2: a.md has the same name, "a" (choose another name)']);
  });

  test('a file that is too large', async () => {
    await file('a.md', GOOD + 'x'.repeat(300_000));
    expect(await problems()).toEqual([
      expect.stringMatching(/^a\.md:1: the file has \d+ bytes; the limit for a runbook is 262144/),
    ]);
  });

  test('aliases that expand without limit', async () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 9; n += 1) {
      const [last, next] = [String.fromCodePoint(96 + n), String.fromCodePoint(97 + n)];
      lines.push(`${next}: &${next} [${Array.from({ length: 10 }, () => `*${last}`).join(', ')}]`);
    }
    await file('a.md', `---\ntitle: x\n${lines.join('\n')}\n---\n`);
    expect(await problems()).toEqual([expect.stringMatching(/^a\.md:1: .*alias/i)]);
  });

  test('all errors of all files are reported', async () => {
    await file('a.md', '---\ntitle: x\nmatch: {}\nmodee: act\n---\n');
    await file('b.md', '---\ntitle: x\nmatch: {}\nwhen: nope\n---\n');
    expect(await problems()).toEqual([
      'a.md:4: unknown key "modee" (did you mean "mode"?)',
      expect.stringMatching(/^b\.md:4: nope: Unknown variable: nope/),
    ]);
  });
});

test('the example in the documentation is valid', async () => {
  const docs = await readFile(join(import.meta.dirname, '../../../docs/reference/runbooks.md'), 'utf8');
  await file('stuck-queue.md', /```markdown\n([^]*?)```/.exec(docs)?.[1] ?? '');
  expect(await lintFolder(dir)).toEqual({ lines: ['1 runbook, no problems found'], exitCode: 0 });
});

describe('lint', () => {
  const lines = async (configDir?: string) => {
    const { lines: told, exitCode } = await lintFolder(dir, configDir);
    return { told: told.map((line) => line.replaceAll(`${dir}/`, '')), exitCode };
  };

  test('reports that there are no problems', async () => {
    await file('a.md', GOOD);
    expect(await lines()).toEqual({ told: ['1 runbook, no problems found'], exitCode: 0 });
  });

  test('reports errors of one file although another cannot be parsed', async () => {
    await file('a.md', GOOD);
    await file('b.md', GOOD);
    await file('c.md', '---\nmatch: {}\n---\n');
    expect(await lines()).toEqual({
      told: [expect.stringMatching(/^b\.md:3: shadowed: every matching alert goes to a/), 'c.md:1: title: is required'],
      exitCode: 1,
    });
  });

  test('warnings alone are no failure', async () => {
    await file('a.md', GOOD.replace('match', 'when: true\nmatch'));
    expect(await lines()).toEqual({ told: ['a.md:3: warning: "when" is always true (remove it)'], exitCode: 0 });
  });

  test('checks names against the catalogue, and reports if that is unreadable', async () => {
    await file('runbooks/a.md', GOOD.replace('match', 'services: chekout\nmatch'));
    await file('config/services.yaml', 'services: { checkout: }\n');
    const of = () => lintFolder(join(dir, 'runbooks'), join(dir, 'config'));
    expect((await of()).lines).toEqual([
      `${dir}/runbooks/a.md:3: the catalogue has no service "chekout" (did you mean "checkout"?)`,
    ]);
    await file('config/services.yaml', 'services: { checkout: { teem: x } }\n');
    expect(await of()).toEqual({
      lines: [expect.stringMatching(/services\.yaml:1: services\.checkout: unknown key "teem"/)],
      exitCode: 1,
    });
  });
});

describe('the shipped runbooks', () => {
  const shipped = async (): Promise<Runbook[]> => {
    const loaded = await loadRunbooks(SHIPPED);
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    return loaded.set.runbooks;
  };

  const alert = (labels: Record<string, string>) =>
    new Map(Object.entries({ service: 'checkout', environment: 'production', severity: 'critical', ...labels }));

  const answer = (runbooks: Runbook[], labels: Record<string, string>) =>
    select(runbooks, alert(labels), variables({ labels: alert(labels) })).chosen;

  test('have no problems, also beside those of a team', async () => {
    await cp(SHIPPED, dir, { recursive: true });
    await file('checkout.md', '---\ntitle: Ours\nmatch: service=checkout\npriority: 100\nsteps: []\n---\n');
    expect(await lintFolder(dir)).toMatchObject({ exitCode: 0, lines: ['20 runbooks, no problems found'] });
  });

  test('leave the mode to the service, and have the required sections', async () => {
    const runbooks = await shipped();
    expect(runbooks.map(({ name }) => name)).toEqual([
      'canary-aborted',
      'canary-degraded',
      'configuration-drift',
      'control-plane',
      'deployment-failure',
      'disk-filling',
      'flag-regression',
      'high-error-rate-after-deploy',
      'kubernetes-workload',
      'low-velocity',
      'node-failure',
      'p99-latency',
      'pod-crash-loop',
      'resource-pressure',
      'shift-traffic',
      'slo-fast-burn',
      'slo-slow-burn',
      'slow-start-up',
      'time-to-restore',
    ]);
    for (const { mode, body } of runbooks) {
      expect(mode).toBeUndefined();
      expect(body.match(/^##? .*$/gm)?.slice(1)).toEqual([
        '## What this means',
        '## First minutes',
        '## What Firebreak does',
        '## If that does not help',
        '## Afterwards',
      ]);
    }
  });

  test.each([
    [{ alertname: 'HighErrorRatio' }, 'high-error-rate-after-deploy'],
    [{ alertname: 'CheckoutErrorBudgetBurn' }, 'slo-fast-burn'],
    [{ alertname: 'CheckoutErrorBudgetBurn', severity: 'warning' }, 'slo-slow-burn'],
    [{ alertname: 'RequestLatencyP99High' }, 'p99-latency'],
    [{ alertname: 'KubePodCrashLooping' }, 'pod-crash-loop'],
    [{ alertname: 'KubeDeploymentRolloutStuck' }, 'deployment-failure'],
    [{ alertname: 'ArgoCdAppOutOfSync' }, 'configuration-drift'],
    [{ alertname: 'NodeFilesystemSpaceFillingUp' }, 'disk-filling'],
    [{ alertname: 'CanaryErrorRateHigh' }, 'canary-degraded'],
    [{ alertname: 'KubePodNotReady' }, 'slow-start-up'],
    [{ alertname: 'AnythingElse' }, undefined],
  ])('an alert that requests a rollback, %j, is handled by %s', async (labels, name) => {
    expect(answer(await shipped(), { ...labels, action: 'auto-rollback' })?.name).toBe(name);
  });

  test('each is selected by its name, regardless of other labels', async () => {
    const runbooks = await shipped();
    for (const { name, severity } of runbooks) {
      const labels = { runbook: name, alertname: 'HighErrorRatio', severity: severity?.[0] ?? 'critical' };
      expect(answer(runbooks, labels)?.name).toBe(name);
    }
  });

  test('change nothing for an alert that does not request it', async () => {
    const runbooks = await shipped();
    const names = [
      'HighErrorRatio',
      'KubePodCrashLooping',
      'ErrorBudgetBurn',
      'LatencyP99',
      'DiskFull',
      'AppOutOfSync',
    ];
    for (const alertname of [...names, 'DeploymentFailed', 'DeploymentTimedOut', 'CanaryDegraded', 'FlagRegression']) {
      for (const severity of ['critical', 'warning', 'info']) {
        const chosen = answer(runbooks, { alertname, severity });
        const steps = chosen === null ? [] : locatedSteps(chosen);
        expect([alertname, steps.filter(({ step }) => factsOf(step).mutating)]).toEqual([alertname, []]);
        // They also notify no one: each step requires that the alert names its runbook.
        for (const { step } of steps) expect(step.when).toContain(`labels.runbook == "${chosen?.name}"`);
      }
    }
  });

  test('do nothing but roll back for an alert that requests a rollback', async () => {
    for (const runbook of await shipped()) {
      for (const { step } of locatedSteps(runbook)) {
        const named =
          ['flag-regression', 'shift-traffic'].includes(runbook.name) ||
          (step.when ?? '').includes('labels.runbook ==');
        if (factsOf(step).mutating && step.uses !== 'rollback')
          expect([runbook.name, named]).toEqual([runbook.name, true]);
      }
      const alternatives = runbook.match.any.map((matchers) => matchers.map(({ name, value }) => `${name}=${value}`));
      if (!hasRollbackStep(runbook)) continue;
      for (const matchers of alternatives)
        expect(matchers.some((one) => one === 'action=auto-rollback' || one === `runbook=${runbook.name}`)).toBe(true);
    }
  });
});
