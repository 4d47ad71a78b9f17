import { describe, expect, test } from 'vitest';
import { decide } from '../../../domain/rollback/rollback.ts';
import { withoutShadow, shadowText } from '../../../domain/automation/shadow.ts';
import type { Mode, Version } from '../../../schemas/config/names.ts';
import { change, clear, type Plain } from '../arbitraries.ts';

const SHADOW = { mode: 'shadow', unknownMigration: 'approve' } as const;
const versions = { from_version: 'v2' as Version, to_version: 'v1' as Version };

describe('a decision in shadow mode', () => {
  test.each<[what: string, kind: string, words: RegExp, more: Partial<Plain>]>([
    [
      'of a clear case would have acted',
      'roll_back',
      /^Would have rolled back v2 to v1 \(shadow mode\): deploy of v2 finished 5 min before/,
      { policy: SHADOW },
    ],
    [
      'by a cap that people have set would have acted',
      'roll_back',
      /^Would have rolled back v2 to v1/,
      { modes: ['shadow'] },
    ],
    [
      'by the mode of a runbook would have acted',
      'roll_back',
      /^Would have rolled back v2 to v1/,
      { request: { by: 'runbook', name: 'r.md', mode: 'shadow' } },
    ],
    [
      'with a guard against it would have asked, and says which',
      'approve',
      /^Would have asked for approval before rolling back v2 to v1 \(shadow mode\), because it is unknown whether v2 has a migration/,
      { policy: SHADOW, changes: [change('v1', 240), change('v2', 10, { has_migration: null })] },
    ],
    [
      'under another cap would have asked',
      'approve',
      /^Would have asked for approval before rolling back v2 to v1 \(shadow mode\), because automation is in mode approve$/,
      { policy: SHADOW, modes: ['approve'] },
    ],
    [
      'that no alert asks for would only have suggested it',
      'suggest',
      /^Would only have suggested rolling back v2 to v1 \(shadow mode\), because no alert requests a rollback/,
      { policy: SHADOW, request: { by: 'none', name: '' } },
    ],
    [
      'under the kill switch would only have suggested it',
      'suggest',
      /because the kill switch is on$/,
      { policy: SHADOW, guard: { state: 'read', paused: true } },
    ],
  ])('%s', (_what, kind, words, more) => {
    const inputs = clear(more);
    expect(decide(inputs).kind).toBe('shadow');
    const would = withoutShadow(inputs);
    expect(would?.kind).toBe(kind);
    expect(shadowText({ would, ...versions })).toMatch(words);
  });

  test('would have been that of mode act if nothing else limits it', () => {
    for (const mode of ['shadow', 'act'] satisfies Mode[]) {
      const { kind, reasons } = decide(clear());
      expect(withoutShadow(clear({ policy: { ...SHADOW, mode } }))).toEqual({ kind, reasons });
    }
  });

  test('of an older version lacks it', () => {
    expect(shadowText(versions)).toBeUndefined();
  });
});
