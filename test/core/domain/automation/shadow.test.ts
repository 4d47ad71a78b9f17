import { describe, expect, test } from 'vitest';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { withoutShadow } from '../../../../core/domain/automation/shadow.ts';
import { newDecision } from '../../../../core/domain/incidents/plan-decisions.ts';
import type { IncidentId, Mode } from '../../../../schemas/config/names.ts';
import { change, clear, INCIDENT, NOON, type Plain } from '../../arbitraries.ts';

const SHADOW = { mode: 'shadow', unknownMigration: 'approve' } as const;

describe('a decision in shadow mode', () => {
  test.each<[what: string, kind: string, words: RegExp, more: Partial<Plain>]>([
    [
      'of a clear case would have acted',
      'roll_back',
      /^Would have rolled checkout in production back from v2 to v1 \(shadow mode\)\.\nProbable cause: v2 \(\d+ %\), because deploy of v2 finished 5 min before.*\nDoes not act because automation is in mode shadow\.$/,
      { policy: SHADOW },
    ],
    [
      'by a cap that people have set would have acted',
      'roll_back',
      /^Would have rolled checkout in production back from v2 to v1 /,
      { modes: ['shadow'] },
    ],
    [
      'by the mode of a runbook would have acted',
      'roll_back',
      /^Would have rolled checkout in production back from v2 to v1 /,
      { request: { by: 'runbook', name: 'r.md', mode: 'shadow' } },
    ],
    [
      'with a guard against it would have asked, and says which',
      'approve',
      /^Would have asked for approval to roll checkout in production back from v2 to v1 \(shadow mode\)\.[^]*\nWould ask because it is unknown whether v2 has a migration/,
      { policy: SHADOW, changes: [change('v1', 240), change('v2', 10, { has_migration: null })] },
    ],
    [
      'under another cap would have asked',
      'approve',
      /^Would have asked for approval to roll [^]*\nWould ask because automation is in mode approve\.$/,
      { policy: SHADOW, modes: ['approve'] },
    ],
    [
      'that no alert asks for would only have suggested it',
      'suggest',
      /^Would have suggested to roll [^]*\nWould only suggest because no alert requests a rollback/,
      { policy: SHADOW, request: { by: 'none', name: '' } },
    ],
    [
      'under the kill switch would only have suggested it',
      'suggest',
      /because the kill switch is on\.$/,
      { policy: SHADOW, guard: { state: 'read', paused: true } },
    ],
  ])('%s', (_what, kind, words, more) => {
    const inputs = clear(more);
    expect(decide(inputs).kind).toBe('shadow');
    const would = withoutShadow(inputs);
    expect(would?.kind).toBe(kind);
    const context = { id: INCIDENT as IncidentId, number: 1, at: NOON, digest: 'd' };
    expect(newDecision(context, decide(inputs), inputs).entry.text).toMatch(words);
  });

  test('would have been that of mode act if nothing else limits it', () => {
    for (const mode of ['shadow', 'act'] satisfies Mode[]) {
      const { kind, reasons } = decide(clear());
      expect(withoutShadow(clear({ policy: { ...SHADOW, mode } }))).toEqual({ kind, reasons });
    }
  });
});
