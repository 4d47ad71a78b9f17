import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actionAfterStage, inversesOf } from '../../../../core/domain/runbooks/inverses.ts';
import { planOf } from '../../../../core/domain/runbooks/plan.ts';
import { scaleTarget } from '../../../../core/domain/runbooks/scale.ts';
import { runbook } from './support.ts';

const WHOLE = `
undo: reverse
onFailure:
  do: undo
  steps:
    - { id: tell, uses: note, with: { text: it did not work } }
steps:
  - { id: ask, uses: approve, with: { text: Shall it? }, timeout: 20m }
  - id: both
    when: incident.severity == "critical"
    onFailure: continue
    parallel:
      - { id: off, uses: flag.disable, with: { flag: new-cart }, timeout: 1m, when: service.tier == 1 }
      - { id: more, uses: scale, with: { by: 2, ceiling: 9 }, timeout: 90s, approval: true }
  - { id: again, uses: restart, timeout: 10m, blastRadius: { times: 2 }, retry: { max: 2, backoff: exponential } }
  - id: told
    uses: http
    with: { method: POST, url: "https://x.test/lock" }
    inverse: { uses: http, with: { method: DELETE, url: "https://x.test/lock/\${{ steps.told.output.id }}" } }
    timeout: 30s
    onFailure: stop
  - { id: pause, uses: wait, with: { for: 5m } }
`.replaceAll('\\$', '$');

test('steps are flat, numbered, and completed with defaults', () => {
  const plan = planOf(runbook(WHOLE, 'deep/whole.md'));
  expect(plan.runbook).toBe('whole');
  expect(plan.steps).toMatchObject([
    { number: 1, stage: 1, id: 'ask', uses: 'approve', timeoutSeconds: 1200, onFailure: 'undo', mutating: false },
    {
      number: 2,
      stage: 2,
      id: 'off',
      when: ['incident.severity == "critical"', 'service.tier == 1'],
      onFailure: 'continue',
      mutating: true,
      inverse: { of: 'off', uses: 'flag.enable', with: { flag: 'new-cart' }, person: true, timeoutSeconds: 60 },
    },
    {
      number: 3,
      stage: 2,
      id: 'more',
      when: ['incident.severity == "critical"'],
      approval: { otherwise: 'stop', timeoutSeconds: null },
      inverse: { uses: 'scale.restore', with: {}, person: false, timeoutSeconds: 90 },
    },
    {
      number: 4,
      stage: 3,
      id: 'again',
      name: 'again',
      times: 2,
      retry: { max: 2, backoff: 'exponential', delaySeconds: 10 },
      inverse: null,
    },
    { number: 5, stage: 4, id: 'told', onFailure: 'stop', inverse: { uses: 'http', with: { method: 'DELETE' } } },
    { number: 6, stage: 5, id: 'pause', timeoutSeconds: 300 },
  ]);
  expect(plan.failureSteps).toMatchObject([{ number: 7, stage: 6, id: 'tell', onFailure: 'continue' }]);
});

test('a key consists of runbook, version, and step, and is constant', () => {
  const [first, again] = [planOf(runbook(WHOLE)), planOf(runbook(WHOLE))];
  expect(first).toEqual(again);
  expect(first.steps[1]?.key).toBe(`runbook/a@${first.version}/off`);
  expect(planOf(runbook(`${WHOLE}# changed\n`)).steps[1]?.key).not.toBe(first.steps[1]?.key);
});

/** Runbooks of any shape: mutating and other steps, in parallel or not. */
const KINDS = [
  'uses: note, with: { text: x }',
  'uses: flag.disable, with: { flag: x }, timeout: 1m',
  'uses: scale, with: { factor: 2, ceiling: 9 }, timeout: 1m',
  'uses: restart, timeout: 1m',
  'uses: http, with: { method: PUT, url: "https://x.test" }, irreversible: true, timeout: 1m',
];
const anyHead = fc
  .array(fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 })
  .map((stages) => {
    const steps = stages.map((kinds, stage) => {
      const inner = kinds.map((kind, n) => `{ id: s${stage}_${n}, ${kind} }`);
      return inner.length === 1 ? `  - ${inner[0]}` : `  - { id: s${stage}, parallel: [${inner.join(', ')}] }`;
    });
    return `undo: reverse\nsteps:\n${steps.join('\n')}`;
  });

test('keys are unique, and numbers follow the file order', () => {
  fc.assert(
    fc.property(anyHead, (head) => {
      const { steps } = planOf(runbook(head));
      const keys = steps.flatMap(({ key, inverse }) => [key, ...(inverse === null ? [] : [inverse.key])]);
      expect(new Set(keys).size).toBe(keys.length);
      expect(steps.map(({ number }) => number)).toEqual(steps.map((_, index) => index + 1));
      expect(steps.map(({ stage }) => stage)).toEqual(steps.map(({ stage }) => stage).toSorted((a, b) => a - b));
    }),
  );
});

test('exactly the changes are undone, last first', () => {
  const withDone = anyHead.chain((head) => {
    const plan = planOf(runbook(head));
    return fc.shuffledSubarray(plan.steps.map(({ id }) => id)).map((done) => ({ plan, done }));
  });
  fc.assert(
    fc.property(withDone, ({ plan, done }) => {
      const { run, left } = inversesOf(plan, done);
      const changed = done.filter((id) => plan.steps.some((step) => step.id === id && step.mutating));
      const ways = new Set(plan.steps.filter(({ inverse }) => inverse !== null).map(({ id }) => id));
      expect(run.map(({ of }) => of)).toEqual(changed.filter((id) => ways.has(id)).toReversed());
      expect(left.map(({ id }) => id)).toEqual(changed.filter((id) => !ways.has(id)).toReversed());
    }),
  );
});

describe('undo', () => {
  test('is not done unless the runbook says so', () => {
    const plan = planOf(runbook('steps:\n  - { id: off, uses: flag.disable, with: { flag: x }, timeout: 1m }'));
    expect(inversesOf(plan, ['off'])).toMatchObject({ run: [], left: [{ id: 'off' }] });
  });

  test('happens once for a repeated step, and never for an irreversible one', () => {
    const plan = planOf(runbook(WHOLE));
    expect(inversesOf(plan, ['more', 'again', 'more', 'nobody'])).toMatchObject({
      run: [{ of: 'more' }],
      left: [{ id: 'again' }],
    });
  });
});

test('of several failed parallel steps, the strongest action applies', () => {
  const failed = (...actions: ('stop' | 'continue' | 'undo')[]) => actions.map((onFailure) => ({ onFailure }));
  expect(actionAfterStage([])).toBe('continue');
  expect(actionAfterStage(failed('continue', 'stop'))).toBe('stop');
  expect(actionAfterStage(failed('stop', 'undo', 'continue'))).toBe('undo');
});

test.each([
  [{ by: 2, ceiling: 9 }, 4, 6],
  [{ factor: 1.5, ceiling: 20 }, 3, 5],
  [{ factor: 10, ceiling: 20 }, 3, 20],
  [{ to: 8, ceiling: 8 }, 3, 8],
  [{ to: 2, ceiling: 8 }, 5, 2],
  [{ by: 2, ceiling: 9 }, 12, 12],
  [{ to: 30, ceiling: 20 }, 25, 25],
])('%j of %i instances are %i', (want, count, expected) => {
  expect(scaleTarget(want, count)).toBe(expected);
});
