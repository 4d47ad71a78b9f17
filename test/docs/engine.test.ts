import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Stop } from '../../core/domain/rollback/guard.ts';
import { GUARDS } from '../../core/domain/rollback/guards.ts';
import { ReasonCode } from '../../schemas/incidents/reason.ts';
import { WEIGHTS } from '../../core/domain/correlation/weights.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const ENGINE = read('docs/explanation/engine.md');

describe('docs/explanation/engine.md', () => {
  test('lists exactly the factors with their weights', () => {
    // A row can have several factors, with their weights in the same order.
    const rows = [...ENGINE.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| (-?\d[-\d., ]*) \|/gm)].flatMap(
      ([, names = '', weights = '']) => {
        const values = weights.split(', ').map(Number);
        return [...names.matchAll(/\w+/g)].map(([name], index) => [name, values[index]]);
      },
    );
    expect(Object.fromEntries(rows)).toEqual(WEIGHTS);
  });

  test('explains every code of a reason', () => {
    const missing = ReasonCode.options.filter((code) => !ENGINE.includes(`\`${code}\``));
    expect(missing).toEqual([]);
  });

  describe('lists the guards by their consequence', () => {
    const decisions = /^## Decisions\n([^]*?)^### /m.exec(ENGINE)?.[1] ?? '';
    /** Returns the codes in the first column of the table after these words, row by row. */
    const tableAfter = (words: string): string[][] => {
      const table = /^\|.*(?:\n\|.*)*/m.exec(decisions.split(words)[1] ?? '')?.[0] ?? '';
      const rows = table.split('\n').slice(2);
      return rows.map((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(\w+)`/g)].map(([, code = '']) => code));
    };
    const codesOf = (...does: readonly (string | undefined)[]) =>
      new Set(GUARDS.flatMap(({ code, at }) => (does.includes(at.judgement) ? [code] : [])));
    const stoppedBy = (stop: Stop) =>
      new Set(GUARDS.flatMap(({ code, at }) => (at.call === stop || at.record === stop ? [code] : [])));

    test('at a judgement', () => {
      expect(new Set(tableAfter('A rollback is not possible (`none`) if:').flat())).toEqual(codesOf('refuse'));
      const reports = codesOf('report', 'suggest', 'shadow');
      reports.delete('runbook_mode'); // is described where it asks
      expect(new Set(tableAfter('Firebreak only reports (`suggest`,').flat())).toEqual(reports);
      expect(new Set(tableAfter('Firebreak asks a person (`approve`) if:').flat())).toEqual(codesOf('approve', 'ask'));
    });

    test('directly before the call', () => {
      const rows = tableAfter('**Check directly before the call.**');
      const [again, quiet] = rows.slice(-2);
      // A missing deployer is no guard: without it, there is nothing to call.
      expect(new Set(rows.slice(0, -2).flat())).toEqual(new Set([...stoppedBy('page'), 'no_deployer']));
      expect(new Set(again)).toEqual(stoppedBy('judge_again'));
      expect(new Set(quiet)).toEqual(stoppedBy('quiet'));
    });
  });
});
