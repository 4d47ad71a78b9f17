import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RETENTION_DAYS } from '../../core/stores/retention.ts';
import { PROJECTION_TARGET_NAMES } from '../../schemas/incidents/projection.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const KEPT = /^## Records\n([^]*?)^## /m.exec(read('docs/reference/data-model.md'))?.[1] ?? '';

/** Record kinds in the rows of the table. */
const rows = [...KEPT.matchAll(/^\| (`[^|]+) \| ([^|]*) \|/gm)].map(([, records = '', kept = '']) => ({
  records: [...records.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
  kept,
}));

/** Partitions that hold several kinds. */
const SEVERAL = ['INC#', 'FREEZE#', 'NOTICE#'];

/** Matches the literal prefix of a key. */
const beginning = (literal: string): string => /^\w+#?/.exec(literal)?.[0] ?? '';

/** Source of all keys, also those of features. */
const keysSource = globSync(['core/stores/keys/*', 'features/*/keys.ts'], { cwd: ROOT }).map(read).join('\n');

/** Returns every record kind with a key. */
function written(): Set<string> {
  const kinds = new Set<string>();
  for (const [, pk = '', sk = ''] of keysSource.matchAll(/\bpk: ((?:(?!\bpk:)[^])*?),\s+sk: ([^]*?),?\s+\}/g)) {
    const kind = beginning(/[`']([A-Z][^`']*)/.exec(sk)?.[1] ?? '');
    for (const [, literal = ''] of pk.matchAll(/[`']([A-Z][^`']*)/g)) {
      const partition = beginning(literal);
      kinds.add(SEVERAL.includes(partition) ? `${partition} ${kind}` : partition);
    }
  }
  return kinds;
}

describe('docs/reference/data-model.md', () => {
  test('names every projection target', () => {
    const sentence = /A target of projections is ([^.]*)\./.exec(read('docs/reference/data-model.md'))?.[1] ?? '';
    expect([...sentence.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(PROJECTION_TARGET_NAMES);
  });

  test('lists the retention of every record kind once', () => {
    const named = rows.flatMap(({ records }) => records);
    expect(named.length).toBeGreaterThan(60);
    expect(named.toSorted()).toEqual([...written()].toSorted());
    for (const { kept } of rows) expect(kept).toMatch(/\w/);
  });

  test('has the retention days of expiring records', () => {
    const keptOf = (record: string) => rows.find(({ records }) => records.includes(record))?.kept;
    expect(keptOf('EP#')).toMatch(new RegExp(`^${RETENTION_DAYS.episode} days`));
    expect(keptOf('INC# IN#')).toBe(`${RETENTION_DAYS.inbox} days`);
    expect(keptOf('INC# INKEY#')).toBe(`${RETENTION_DAYS.inbox} days`);
    expect(keptOf('ACT#')).toBe(`${RETENTION_DAYS.act} days`);
  });
});
