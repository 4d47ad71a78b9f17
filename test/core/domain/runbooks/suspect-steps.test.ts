import { describe, expect, test } from 'vitest';
import { stepsBasedOnSuspect } from '../../../../core/domain/runbooks/suspect-steps.ts';
import { runbook } from './support.ts';

const of = (steps: string): string[] => [...stepsBasedOnSuspect(runbook(`match: {}\nsteps:\n${steps}`))];

const off = (more: string): string => `  - { id: off, uses: flag.disable, timeout: 5m, ${more} }\n`;

describe('a step is based on the suspect', () => {
  test.each([
    ['that uses it in its parameters', off(`with: { flag: "\${{ suspect.version }}" }`), ['off']],
    [
      'that has it in its condition',
      off(`with: { flag: cart }, when: 'suspect != null && suspect.kind == "flag"'`),
      ['off'],
    ],
    [
      'in a group that has it in its condition',
      `  - id: both
    when: suspect != null
    parallel:
      - { id: off, uses: flag.disable, with: { flag: cart }, timeout: 5m }
      - { id: again, uses: restart, timeout: 5m }
`,
      ['off', 'again'],
    ],
    [
      'whose condition uses such a step',
      `  - { id: said, uses: note, when: suspect != null, with: { text: it is suspected } }\n${off(
        `with: { flag: cart }, when: 'steps.said.status == "succeeded"'`,
      )}`,
      ['said', 'off'],
    ],
    [
      'whose condition uses a wait for it',
      `  - { id: seen, uses: wait.until, with: { cel: suspect != null }, timeout: 5m }\n${off(
        `with: { flag: cart }, when: 'steps.seen.status == "succeeded"'`,
      )}`,
      ['seen', 'off'],
    ],
  ])('%s', (_, steps, ids) => expect(of(steps)).toEqual(ids));

  test.each([
    ['that names its flag directly', off('with: { flag: cart }')],
    ['whose condition uses the alert', off(`with: { flag: cart }, when: 'labels.team == "suspect"'`)],
    [
      'that a person has approved, even if the question used it',
      `  - { id: sure, uses: approve, when: suspect != null, with: { text: "Is it \${{ suspect.version }}?" } }\n${off(
        `with: { flag: cart }, when: 'steps.sure.status == "succeeded"'`,
      )}`,
    ],
  ])('but not %s', (_, steps) => expect(of(steps)).toEqual([]));
});
