import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  namedTarget,
  type NamedTarget,
  versionFacts,
  whyNotTo,
} from '../../../../core/domain/changes/named-version.ts';
import { withIdentities } from '../../../../core/domain/changes/identified-versions.ts';
import { newestLiveChange, rollbackTarget } from '../../../../core/domain/changes/versions.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { EnvironmentName, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { anyChanges, before, change } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

function named(version: string, changes: readonly Change[], pinned: readonly string[] = []): NamedTarget {
  const live = newestLiveChange(changes);
  if (live === undefined) throw new Error('nothing runs');
  return namedTarget(changes, live, version as Version, pinned);
}

const why = (version: string, changes: readonly Change[], pinned: readonly string[] = []): string => {
  const target = named(version, changes, pinned);
  if (target.kind === 'version') throw new Error('it can be gone back to');
  return whyNotTo(target, serviceEnvironment);
};

const three = [change('v1', 600), change('v2', 300), change('v3', 10)];

describe('a version named by a person', () => {
  test('may be older than the newest known good one: more changes are undone', () => {
    expect(named('v1', three)).toMatchObject({
      kind: 'version',
      version: 'v1',
      undoes: [{ version: 'v2' }, { version: 'v3' }],
    });
  });

  test('need not be known good', () => {
    const brief = [change('v1', 600), change('v2', 20), change('v3', 10)];
    expect(rollbackTarget(brief, change('v3', 10))).toMatchObject({ version: 'v1' });
    expect(named('v2', brief)).toMatchObject({ kind: 'version', version: 'v2', undoes: [{ version: 'v3' }] });
  });

  test('is restored from its last run', () => {
    const changes = [change('v1', 600), change('v2', 300), change('v1', 200, { kind: 'rollback' }), change('v3', 10)];
    expect(named('v1', changes)).toMatchObject({ kind: 'version', undoes: [{ version: 'v3' }] });
  });

  test('cannot be the current version', () => {
    expect(named('v3', three).kind).toBe('runs');
    expect(why('v3', three)).toBe('v3 is already running for checkout in production');
  });

  test('cannot be unrecorded: the most similar versions are suggested', () => {
    const changes = ['v1.9.0', 'v2.1.0', 'v2.0.9', 'v2.0.10', 'v2.1.1', 'v3.0.0'].map((version, n) =>
      change(version, 600 - 60 * n),
    );
    expect(named('v2.0.1', changes)).toMatchObject({
      kind: 'unknown',
      known: ['v2.1.1', 'v2.0.10', 'v2.0.9', 'v2.1.0'],
    });
    expect(why('v2.0.1', changes)).toMatch(
      /^no recent deployment of v2.0.1 for checkout in production is recorded; available versions: v2.1.1, /,
    );
    expect(why('v2', [change('v3', 10)])).toMatch(/and no other version is available for a rollback$/);
  });

  test('cannot be one of several: all of them are named', () => {
    const [a, b] = ['1'.repeat(40), '2'.repeat(40)];
    const branch = withIdentities(
      [
        change('6.4', 600, { commit: a }),
        change('6.4', 300, { commit: b }),
        change('main', 200, { commit: a }),
        change('main', 100, { commit: b }),
        change('v7', 10),
      ],
      { stays: true },
    );
    expect(why('v6.4', branch)).toBe(
      'v6.4 means several versions of checkout in production: name one of 6.4 (2222222), 6.4 (1111111)',
    );
    expect(named('1111111', branch)).toMatchObject({ kind: 'several', among: ['main (1111111)', '6.4 (1111111)'] });
    expect(named('6.4 (1111111)', branch)).toMatchObject({ kind: 'version', version: '6.4 (1111111)' });
  });

  test('cannot be a flag or a migration of that name', () => {
    expect(named('v2', [change('v1', 600), change('v2', 300, { kind: 'flag' }), change('v3', 10)]).kind).toBe(
      'unknown',
    );
  });

  test.each(['failed', 'cancelled', 'started'] as const)('cannot be one whose deployments all %s', (status) => {
    expect(why('v2', [change('v1', 600), change('v2', 300, { status }), change('v3', 10)])).toMatch(
      /has never run there$/,
    );
  });

  test('cannot be pinned as known bad', () => {
    expect(why('v2', three, ['v2'])).toMatch(/^v2 is pinned as known bad for checkout|^v2 is pinned as known bad/);
    expect(named('v1', three, ['v2']).kind).toBe('version');
  });

  test('cannot be older than what is still safe', () => {
    const floored = [change('v1', 600), change('v2', 300), change('v3', 10, { rollback_safe_to: 'v2' })];
    expect(named('v2', floored).kind).toBe('version');
    expect(why('v1', floored)).toBe('v3 can be rolled back no further than v2, and v1 is older');
  });

  test('cannot be older than the commit of a branch that was the newest when its name was given as safe', () => {
    const commits = ['1', '2', '3'].map((digit) => digit.repeat(40));
    const [old, safe, later] = commits as [string, string, string];
    const branch = withIdentities(
      [
        change('6.4', 600, { commit: old }),
        change('6.4', 300, { commit: safe }),
        change('7.0', 60, { rollback_safe_to: '6.4' }),
        change('6.4', 30, { commit: later }),
        change('7.1', 10),
      ],
      { stays: false },
    );
    expect(named('6.4 (2222222)', branch).kind).toBe('version');
    expect(named('6.4 (3333333)', branch).kind).toBe('version');
    expect(why('6.4 (1111111)', branch)).toBe('7.0 can be rolled back no further than 6.4, and 6.4 (1111111) is older');
  });

  test('can be the default target, and then undoes no more than that', () => {
    fc.assert(
      fc.property(anyChanges, (changes) => {
        const live = newestLiveChange(changes);
        const chosen = live && rollbackTarget(changes, live);
        if (live === undefined || chosen?.kind !== 'version') return;
        const target = namedTarget(changes, live, chosen.version);
        expect(target).toMatchObject({ kind: 'version', version: chosen.version });
        const undoes = target.kind === 'version' ? target.undoes : [];
        for (const undone of undoes) expect(chosen.undoes).toContainEqual(undone);
      }),
      { numRuns: runs(80) },
    );
  });

  test('is never the current, a pinned, or an unused version', () => {
    fc.assert(
      fc.property(
        anyChanges,
        fc.constantFrom('v1', 'v2', 'v3', 'v4', 'other'),
        fc.subarray(['v1', 'v2', 'v3', 'v4']),
        (changes, version, pinned) => {
          const live = newestLiveChange(changes);
          const target = live && namedTarget(changes, live, version as Version, pinned);
          if (target?.kind !== 'version') return;
          expect(target.version).toBe(version);
          expect(version).not.toBe(live?.version);
          expect(pinned).not.toContain(version);
          expect(changes.some((one) => one.version === version && one.status === 'succeeded')).toBe(true);
        },
      ),
      { numRuns: runs(80) },
    );
  });
});

describe('the facts about it', () => {
  const past = (version: string, changes: readonly Change[], chosen: string | null = version) => {
    const target = named(version, changes);
    if (target.kind !== 'version') throw new Error(`it is ${target.kind}`);
    const told = versionFacts(changes, version as Version, {
      chosen: chosen as Version | null,
      undoes: target.undoes,
      live: newestLiveChange(changes) ?? change('none', 0),
      namesOnly: false,
    });
    if (told === undefined) throw new Error('it has never run');
    return told;
  };

  test('include when it ran, for how long, and that it was good', () => {
    expect(past('v2', three)).toEqual({
      ran: 'v2 last ran from 2026-11-20 07:03 UTC until 2026-11-20 11:50 UTC, for 5 hours, without known problems',
      doubts: [],
      unclear: null,
      safe: [],
    });
  });

  test('include that it ran only briefly, or was rolled back', () => {
    const brief = [change('v1', 600), change('v2', 20), change('v3', 10)];
    expect(past('v2', brief, 'v1')).toMatchObject({
      ran: expect.stringMatching(/for 7 min$/),
      doubts: ['v2 ran too briefly to be known to be good', 'the newest version known to be good is v1'],
    });
    const bad = [change('v1', 600), change('v2', 300, { rolled_back_by: 'some incident' }), change('v3', 10)];
    expect(past('v2', bad, 'v1').doubts[0]).toBe('v2 was already rolled back as bad');
    expect(past('v2', bad, 'v1').ran).not.toContain('was well');
  });

  test('include migrations in between, and unknown ones', () => {
    const changes = [
      change('v1', 900),
      change('v2', 600, { has_migration: true }),
      change('v3', 300, { has_migration: null }),
      change('v4', 10, { has_migration: true }),
    ];
    expect(past('v1', changes).doubts).toEqual([
      'v2 and v4 have migrations, so the old version may not work with the migrated data',
      'it is unknown whether v3 has a migration',
    ]);
    expect(past('v3', changes).doubts).toEqual([
      'v4 has a migration, so the old version may not work with the migrated data',
    ]);
  });

  test('include how far back is safe, if declared', () => {
    const floored = (floor: string) => [
      change('v1', 600),
      change('v2', 300),
      change('v3', 10, { rollback_safe_to: floor }),
    ];
    expect(past('v2', floored('v2')).safe).toEqual(['v3 can be rolled back no further than v2']);
    expect(past('v2', floored('v1')).safe).toEqual(['v3 can be rolled back no further than v1, and v2 is newer']);
  });

  test('are undefined for a version that never ran', () => {
    expect(
      versionFacts([change('v3', 10)], 'v1' as Version, {
        chosen: null,
        undoes: [],
        live: change('v3', 10),
        namesOnly: false,
      }),
    ).toBeUndefined();
  });

  test('express long durations in days', () => {
    expect(past('v1', [change('v1', 10_000), change('v3', 10, { started_at: before(10) })]).ran).toMatch(/for 7 days/);
  });
});
