import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inputsOf } from '../../bench/measurements/correlation.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { replays } from '../../evaluation/replays/index.ts';

const PAGE = readFileSync(new URL('../../../../docs/explanation/evaluation.md', import.meta.url), 'utf8');

const [table = ''] = (PAGE.split('| incident | Firebreak |')[1] ?? '').split('\n\n');
/** Rows of the table of public incidents: the incident, and what Firebreak does. */
const rows = table
  .split('\n')
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells.length > 4)
  .map(([, incident = '', decided = '']) => ({ incident, decided }));

/** Returns what Firebreak does about an incident, in the words of the page. */
function wordsFor(replay: (typeof replays)[number]): RegExp {
  const { kind, verdict, suspects } = decide(inputsOf(replay, 'proved'));
  const [first] = suspects;
  const confidence = String(first?.confidence ?? 0);
  const isCause = first?.change_id === replay.label.cause;
  if (kind === 'approve' && isCause) return new RegExp(`^asks \\(${confidence}\\)`);
  if (verdict !== 'no_change' && isCause) return new RegExp(`^names .*\\(${confidence}\\)`);
  if (isCause && Number(confidence) >= 0.1) return new RegExp(`below the limit for a question \\(${confidence}\\)`);
  if (kind === 'approve') return new RegExp(`^asks about another change \\(${confidence}\\)`);
  return verdict === 'no_change' ? /^no change$/ : /^names another change$/;
}

test.each(replays.map((replay, index) => [replay.id, replay, index] as const))(
  'the page says what Firebreak does about %s',
  (_, replay, index) => {
    const year = replay.id.slice(replay.id.search(/\d{4}/)).slice(0, 4);
    expect(rows[index]?.incident).toContain(year);
    expect(rows[index]?.decided).toMatch(wordsFor(replay));
  },
);

test('the page counts them right', () => {
  const of = (right: string) => replays.filter(({ label }) => label.right === right).length;
  expect([rows.length, replays.length, of('roll_back')]).toEqual([15, 15, 5]);
  const decided = replays.map((replay) => ({ replay, decision: decide(inputsOf(replay, 'proved')) }));
  const acted = decided.filter(({ decision }) => decision.kind === 'roll_back');
  const asked = decided.filter(({ decision }) => decision.kind === 'approve');
  const named = decided.filter(
    ({ replay, decision }) =>
      decision.kind !== 'approve' &&
      decision.verdict !== 'no_change' &&
      decision.suspects[0]?.change_id === replay.label.cause,
  );
  const askedRightly = asked.filter(({ replay, decision }) => decision.suspects[0]?.change_id === replay.label.cause);
  expect([acted.length, asked.length, askedRightly.length, named.length]).toEqual([0, 2, 2, 7]);
  expect(PAGE).toContain(
    'Firebreak rolls back none of the fifteen, asks about two, both rightly, and names the right change of seven others.',
  );
});
