import { describe, expect, test } from 'vitest';
import {
  judgeShadow,
  type KnownChanges,
  type ShadowIncident,
  shadowedIncident,
  shadowRows,
} from '../../../../core/domain/automation/shadow-report.ts';
import { type Automation, untouchedAutomation } from '../../../../schemas/access/access.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { DecisionView, Would } from '../../../../schemas/incidents/incident.ts';
import type { EnvironmentName, IncidentId, Mode, ServiceName, Version } from '../../../../schemas/config/names.ts';
import type { ShadowCase } from '../../../../schemas/automation/shadow-report.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { before, change, clearing, INCIDENT, NOON } from '../../arbitraries.ts';

const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
const ACT: Would = { kind: 'roll_back', reasons: [] };
const ASK: Would = { kind: 'approve', reasons: [] };
const SUGGEST: Would = { kind: 'suggest', reasons: [] };

const decision = (more: Partial<DecisionView> = {}): DecisionView => ({
  id: `${INCIDENT}-1`,
  kind: 'shadow',
  because: 'mode_shadow',
  at: NOON,
  digest: 'd',
  state: 'final',
  from_version: 'v2' as Version,
  to_version: 'v1' as Version,
  reasons: [],
  answered_by: null,
  target: serviceEnvironment,
  approvals: { needed: 1, given: [] },
  would: ACT,
  ...more,
});

/** Builds an incident that opened at noon and lasted an hour. */
const incident = (more: Partial<ShadowIncident> = {}): ShadowIncident => ({
  id: INCIDENT as IncidentId,
  number: 7,
  ...serviceEnvironment,
  opened_at: NOON,
  resolved_at: before(-60),
  cleared: [],
  decisions: [decision()],
  ...more,
});

const TO_BRANCH = decision({ to_version: '6.4 (1111111)' as Version });
const OPEN = { resolved_at: null };
const SUSPECT = change('v2', 10);
/** Builds a rollback 20 minutes after noon. */
const back = (version: string, minutesAfter = 20) => change(version, -minutesAfter, { kind: 'rollback' });
const noOne = () => false;
const everyOne = () => true;

function judged(
  of: ShadowIncident,
  changes = [SUSPECT],
  more: { now?: Timestamp; since?: Timestamp } = {},
): ShadowCase {
  const found = shadowedIncident(of, noOne);
  if (found === undefined) throw new Error('not in shadow mode');
  const known: KnownChanges = { changes, since: more.since ?? before(60) };
  return judgeShadow(found, known, more.now ?? before(-48 * 60));
}

describe('a rollback or question in shadow mode', () => {
  test.each<[verdict: string, because: RegExp, ...Parameters<typeof judged>]>([
    ['right', /people rolled back to v1, and the incident ended/, incident(), [SUSPECT, back('v1')]],
    ['right', /people rolled back to v1/, incident(), [SUSPECT, change('v1', -20)]],
    ['right', /people rolled back to v1/, incident(), [SUSPECT, back('v1', 80)]],
    ['right', /people rolled back to 6.4 \(1111111\)/, incident({ decisions: [TO_BRANCH] }), [SUSPECT, back('6.4')]],
    [
      'undecided',
      /deploy of 6.4 \(2222222\)/,
      incident({ decisions: [decision({ to_version: '6.4' as Version })] }),
      [SUSPECT, change('6.4 (2222222)', -20)],
    ],
    ['undecided', /to v1, and the incident is open/, incident(OPEN), [SUSPECT, back('v1')]],
    ['undecided', /to v0 instead of v1/, incident(), [SUSPECT, back('v0')]],
    ['undecided', /hotfix of v3/, incident(), [SUSPECT, change('v3', -20, { kind: 'hotfix' })]],
    ['undecided', /flag of v2/, incident(), [SUSPECT, change('v2', -20, { kind: 'flag' })]],
    ['undecided', /the incident is open/, incident(OPEN)],
    ['undecided', /less than 30 minutes ago/, incident(), [SUSPECT], { now: before(-80) }],
    ['undecided', /within a day after/, incident(), [SUSPECT, back('v1', 300)]],
    ['undecided', /too many changes/, incident(), [SUSPECT], { since: before(-1) }],
    ['wrong', /ended while v2 kept running/, incident()],
    ['wrong', /ended while v2 kept running/, incident(), [SUSPECT, change('v3', -30 * 60)]],
    ['wrong', /ended while v2/, incident(), [SUSPECT, change('v1', -20, { kind: 'rollback', status: 'failed' })]],
    ['wrong', /ended while v2/, incident(), [SUSPECT, change('v1', 5, { kind: 'rollback' })]],
    ['wrong', /v2 was cleared by ada/, incident({ cleared: [clearing(SUSPECT)] })],
    [
      'wrong',
      /ada marked it as wrong: it was DNS/,
      incident({ decisions: [decision({ marked_wrong: { by: 'ada', at: NOON, note: 'it was DNS' } })] }),
      [SUSPECT, back('v1')],
    ],
    [
      'undecided',
      /Firebreak rolled back automatically/,
      incident({ decisions: [decision(), decision({ kind: 'roll_back', because: 'suspect' })] }),
      [SUSPECT, back('v1')],
    ],
    [
      'right',
      /people rolled back/,
      incident({ decisions: [decision(), decision({ kind: 'roll_back', because: 'requested_by_person' })] }),
      [SUSPECT, back('v1')],
    ],
  ])('is %s: %s', (verdict, because, ...given) => {
    expect(judged(...given)).toMatchObject({ verdict, because: expect.stringMatching(because), would: 'roll_back' });
    const asks = { ...given[0], decisions: given[0].decisions.map((one) => ({ ...one, would: ASK })) };
    expect(judged(asks, ...(given.slice(1) as []))).toMatchObject({ would: 'ask' });
  });
});

describe('no action', () => {
  const nothing = (more: Partial<ShadowIncident> = {}) =>
    incident({ decisions: [decision({ would: SUGGEST })], ...more });

  test.each<[verdict: string, because: RegExp, ...Parameters<typeof judged>]>([
    ['right', /people did not roll back either/, nothing()],
    ['wrong', /people rolled back to v1/, nothing(), [SUSPECT, back('v1')]],
    ['undecided', /is open/, nothing(OPEN)],
    ['undecided', /less than 30 minutes/, nothing(), [SUSPECT], { now: before(-80) }],
  ])('is %s: %s', (verdict, because, ...given) => {
    expect(judged(...given)).toMatchObject({ verdict, because: expect.stringMatching(because), would: 'nothing' });
  });
});

describe('for an incident', () => {
  const none = decision({ kind: 'none', because: 'no_deployer', would: undefined });

  test('the most automatic decision counts', () => {
    const all = [decision({ would: SUGGEST }), decision({ would: ASK }), decision({ would: ACT })];
    expect(shadowedIncident(incident({ decisions: all }), noOne)?.would).toBe('roll_back');
    expect(shadowedIncident(incident({ decisions: all.slice(0, 2) }), noOne)?.would).toBe('ask');
  });

  test('a decision without possible action counts if the mode is shadow now', () => {
    expect(shadowedIncident(incident({ decisions: [none] }), everyOne)?.would).toBe('nothing');
    expect(shadowedIncident(incident({ decisions: [none] }), noOne)).toBeUndefined();
  });

  test('decisions outside shadow mode, and unknown ones, do not count', () => {
    const others = [
      decision({ kind: 'approve', would: undefined }),
      decision({ kind: 'none', question: 'Restart?', would: undefined }),
      decision({ would: undefined }),
    ];
    expect(shadowedIncident(incident({ decisions: others }), everyOne)).toBeUndefined();
  });
});

describe('promotion', () => {
  const { services } = Config.parse({
    version: 'test',
    services: {
      checkout: { environments: { production: {} } },
      acting: { environments: { production: { autoRollback: { mode: 'act' } } } },
      no: { environments: { 'eu 1': {} } },
    },
    paging: {},
  });
  const rowOf = (
    counts: { right?: number; wrong?: number; undecided?: number; would?: ShadowCase['would'] },
    automation: Partial<Automation> = {},
    at: { service: string; environment: string } = serviceEnvironment,
  ) => {
    const one: ShadowCase = { ...judged(incident()), would: counts.would ?? 'roll_back' };
    const cases = (['right', 'wrong', 'undecided'] as const).flatMap((verdict) =>
      Array.from({ length: counts[verdict] ?? 0 }, () => ({
        serviceEnvironment: at as typeof serviceEnvironment,
        judged: { ...one, verdict },
      })),
    );
    return shadowRows(cases, { services, automation: { ...untouchedAutomation, ...automation } })[0];
  };
  const inYaml = (to: Mode) =>
    `In config/services.yaml, set services: { checkout: { environments: { production: { autoRollback: { mode: ${to} } } } } }`;

  test.each<[Parameters<typeof rowOf>[0], to: Mode, ready: boolean]>([
    [{ right: 2 }, 'approve', false],
    [{ right: 3 }, 'approve', true],
    [{ right: 3, undecided: 9 }, 'approve', true],
    [{ right: 3, wrong: 1 }, 'approve', false],
    [{ right: 9, wrong: 1 }, 'approve', true],
    [{ right: 10 }, 'act', true],
    [{ right: 10, wrong: 1 }, 'approve', true],
    [{ right: 10, would: 'ask' }, 'approve', true],
    [{ right: 10, would: 'nothing' }, 'approve', false],
  ])('of %o is to %s, ready: %s', (counts, to, ready) => {
    expect(rowOf(counts)?.promotion).toMatchObject({ to, ready, steps: [inYaml(to)] });
  });

  test('counts each verdict once, by its action', () => {
    expect(rowOf({ right: 2, wrong: 1, undecided: 3, would: 'ask' })).toMatchObject({
      mode: 'shadow',
      rollbacks: { count: 0, right: 0, wrong: 0, undecided: 0 },
      questions: { count: 6, right: 2, wrong: 1, undecided: 3 },
    });
  });

  test('lists each shadow cap, and no others', () => {
    const caps = { mode: 'shadow' as const, environments: { production: 'shadow' as const } };
    const set = { mode: 'shadow' as const, services: { checkout: caps, acting: caps } };
    const steps = (service: string) => [
      `firebreak automation mode approve --service ${service} --environment production`,
      `firebreak automation mode approve --service ${service}`,
      'firebreak automation mode approve  # for all services',
    ];
    expect(rowOf({ right: 3 }, set)?.promotion?.steps).toEqual([inYaml('approve'), ...steps('checkout')]);
    const acting = { service: 'acting', environment: 'production' };
    expect(rowOf({ right: 3 }, set, acting)?.promotion?.steps).toEqual(steps('acting'));
    expect(rowOf({ right: 3 }, {}, acting)).toMatchObject({ mode: 'act', promotion: null });
  });

  test('quotes names with special characters for YAML and shells', () => {
    const set = { services: { no: { mode: null, environments: { 'eu 1': 'shadow' as const } } } };
    expect(rowOf({ right: 3 }, set, { service: 'no', environment: 'eu 1' })?.promotion?.steps).toEqual([
      'In config/services.yaml, set services: { "no": { environments: { "eu 1": { autoRollback: { mode: approve } } } } }',
      "firebreak automation mode approve --service no --environment 'eu 1'",
    ]);
  });

  test('is omitted for services that the catalogue no longer has', () => {
    const gone = { service: 'constructor', environment: 'production' };
    expect(rowOf({ right: 3 }, {}, gone)).toMatchObject({ mode: null, promotion: null });
  });
});
