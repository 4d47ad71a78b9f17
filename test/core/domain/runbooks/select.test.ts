import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasRollbackStep, select } from '../../../../core/domain/runbooks/select.ts';
import type { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import { runbook, variables } from './support.ts';

const LABELS = new Map([
  ['alertname', 'HighErrorRatio'],
  ['service', 'checkout'],
  ['environment', 'production'],
  ['severity', 'critical'],
]);

const chosen = (books: Runbook[], labels = LABELS) => select(books, labels, variables({ labels }));

test.each([
  ['match: alertname="HighErrorRatio"', null],
  ['match: { any: [alertname="Other", "{alertname=~\\"High.*\\",severity=critical}"] }', null],
  ['match: { alertname: Other }', 'its matchers do not match'],
  ['services: checkout', null],
  ['services: [search]', 'does not apply to service "checkout"'],
  ['environments: staging', 'does not apply to environment "production"'],
  ['severity: [warning, info]', 'does not apply to severity "critical"'],
  ['when: labels.alertname.startsWith("High")', null],
  ['when: labels.team == "payments"', 'its "when" is not true'],
  ['when: labels.team == "payments" || 1 / 0 == 1', 'its "when" could not be evaluated: division by zero, in 1 / 0'],
])('%s', (head, why) => {
  const { chosen: taken, others } = chosen([runbook(head)]);
  expect(taken?.name ?? null).toBe(why === null ? 'a' : null);
  expect(others).toEqual(why === null ? [] : [{ name: 'a', why }]);
});

test('the highest priority is selected, and the first file among equals', () => {
  const books = [
    runbook('priority: 1', 'c.md'),
    runbook('priority: 5', 'b.md'),
    runbook('priority: 5', 'a.md'),
    runbook('match: x="y"\npriority: 9', 'd.md'),
  ];
  expect(chosen(books)).toMatchObject({
    chosen: { name: 'a' },
    others: [
      { name: 'd', why: 'its matchers do not match' },
      { name: 'b', why: 'a has precedence' },
      { name: 'c', why: 'a has precedence' },
    ],
  });
});

test('the order of reading files does not matter', () => {
  const anyBook = fc
    .record({ priority: fc.integer({ min: 0, max: 2 }), label: fc.constantFrom('HighErrorRatio', 'Other') })
    .map(({ priority, label }) => `priority: ${priority}\nmatch: { alertname: ${label} }`);
  const anyBooks = fc
    .array(anyBook, { maxLength: 6 })
    .map((heads) => heads.map((head, n) => runbook(head, `r${n}.md`)))
    .chain((books) => fc.tuple(fc.constant(books), fc.shuffledSubarray(books, { minLength: books.length })));
  fc.assert(
    fc.property(anyBooks, ([books, shuffled]) => {
      expect(chosen(shuffled)).toEqual(chosen(books));
    }),
  );
});

describe('a rollback is requested', () => {
  test.each([
    ['steps: [{ id: a, uses: rollback, timeout: 9m }]', true],
    [
      'steps: [{ id: p, parallel: [{ id: a, uses: rollback, timeout: 9m }, { id: b, uses: note, with: { text: x } }] }]',
      true,
    ],
    ['onFailure: { steps: [{ id: a, uses: rollback, timeout: 9m }] }', false],
    ['steps: [{ id: a, uses: verify }]', false],
  ])('by %s: %j', (head, asks) => {
    expect(hasRollbackStep(runbook(head))).toBe(asks);
  });
});
