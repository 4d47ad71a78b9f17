import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { DEFAULT_POLICY, policyFor } from '../../decisions/policy.ts';
import { FreezeFile, FreezeRules } from '../../schemas/freeze-policy.ts';
import { anyRecurring, anySingle } from '../../../../test/core/routes.ts';
import { runs } from '../../../../test/support/runs.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
const BUILDKITE = 'https://agent.buildkite.com';
const accepts = (issuer: string, claims?: object) => ({
  identities: [{ issuer, audience: 'firebreak', ...(claims && { claims }) }],
});

const rulesOf = (defaults: unknown) => FreezeFile.parse({ defaults }).defaults;
const entryOf = (entry: object) => FreezeFile.parse({ calendar: [{ name: 'audit', ...entry }] }).calendar[0];

const BERLIN = { timeZone: 'Europe/Berlin' };
const ONCE = { from: '2026-12-05T22:00', until: '2026-12-06T02:00', ...BERLIN };

describe('equivalent notations', () => {
  test.each([[0.75], ['75%'], ['75 %'], [' 75.0% ']])('a share: %j', (warn) => {
    expect(rulesOf({ budget: { warn } })).toEqual({ budget: { warn: 0.75 } });
  });

  test.each([['off'], [false]])('%j', (off) => {
    const all = { budget: off, burn: off, dependants: off, incidents: off };
    expect(rulesOf(all)).toEqual({ budget: 'off', burn: 'off', dependants: 'off', incidents: 'off' });
  });

  test.each([['on'], [true]])('%j', (dependants) => {
    expect(rulesOf({ dependants })).toEqual({ dependants: 'on' });
  });

  test.each([
    [{ service: 'a', team: 'b', environment: 'c', tier: 1 }],
    [{ services: ['a'], teams: 'b', environments: ['c'], tiers: [1] }],
  ])('match: %j', (match) => {
    expect(FreezeFile.parse({ policies: [{ match }] }).policies[0]?.match).toEqual({
      service: ['a'],
      team: ['b'],
      environment: ['c'],
      tier: [1],
    });
  });

  test.each([
    [ONCE],
    [{ starts_at: '2026-12-05 22:00:00', ends_at: '2026-12-06 02:00', location: 'Europe/Berlin' }],
    [{ start: '2026-12-05T22:00+01:00', duration: 'PT240M' }],
    [{ from: '2026-12-05T21:00:00Z', duration: '4h' }],
  ])('a single freeze: %j', (written) => {
    const span = { from: '2026-12-05T21:00:00.000Z', until: '2026-12-06T01:00:00.000Z' };
    expect(entryOf(written)).toEqual({ name: 'audit', ...span });
  });

  test.each([
    [{ rrule: 'FREQ=WEEKLY;BYDAY=FR', start: '2026-01-02T16:00', ...BERLIN, duration: '64h' }],
    [{ rrule: 'RRULE:freq=weekly;byday=fr;', from: '2026-01-02T15:00Z', tz: 'Europe/Berlin', duration: '2d 16h' }],
  ])('a recurring freeze: %j', (written) => {
    const span = { rrule: 'FREQ=WEEKLY;BYDAY=FR', start: '2026-01-02T16:00:00', ...BERLIN, duration: 'PT64H' };
    expect(entryOf(written)).toEqual({ name: 'audit', ...span });
  });

  test.each([
    [{ service: 'a', environment: 'b', passes: 'security' }],
    [{ services: ['a'], environments: ['b'], passes: ['security'] }],
  ])('a scope: %j', (scope) => {
    expect(entryOf({ ...ONCE, ...scope })).toMatchObject({
      services: ['a'],
      environments: ['b'],
      passes: ['security'],
    });
  });

  test('empty sections', () => {
    const empty = FreezeFile.parse({ defaults: null, policies: null, calendar: null });
    expect(empty).toEqual({ defaults: {}, policies: [], calendar: [], unknownService: 'allow' });
    expect(FreezeFile.parse({})).toEqual(empty);
    expect(emptyConfig.freeze).toEqual(empty);
  });
});

describe('errors', () => {
  const problemsOf = (file: unknown): string => {
    const read = FreezeFile.safeParse(file);
    return read.success ? '' : JSON.stringify(read.error.issues);
  };

  test.each<[string, object, RegExp]>([
    ['an unknown key', { budgets: {} }, /unrecognized_keys.*budgets/],
    ['a share written as a percentage', { budget: { warn: 75 } }, /a share such as 75% or 0.75/],
    ['an invalid share', { budget: { freeze: '75 percent' } }, /a share such as 75% or 0.75/],
    ['a share that is too large', { budget: { freeze: '5000%' } }, /at most 1000%/],
    ['a share of zero', { budget: { freeze: '0%' } }, /a share such as 75% or 0.75/],
    [
      'a lift level that is not below the freeze level',
      { budget: { freeze: '80%', liftBelow: 0.8 } },
      /below .*freeze.*\(80%\), otherwise freezes flap/,
    ],
    [
      'a warning level above the freeze level',
      { budget: { freeze: 0.8, warn: 0.9 } },
      /at most .*freeze.* \(80%\), otherwise it never warns/,
    ],
    ['an unknown burn rate', { burn: 'fast' }, /page/],
    ['a freeze that allows deploys', { passes: ['deploy'] }, /a freeze must not allow deploys/],
    [
      'an unknown kind of change',
      { passes: ['hot-fix'] },
      /hot-fix.* is not one of the changes that a freeze can allow: rollback, hotfix/,
    ],
    ['a minimum duration that is too long', { minimumMinutes: 1e6 }, /at most 10080 minutes/],
    [
      'an issuer that is not a URL',
      { identities: [{ issuer: 'github', audience: 'x' }] },
      /must be an http or https URL/,
    ],
    ['an identity without claims', accepts('https://ci.test'), /every token of this issuer is accepted; add a claim/],
    [
      'an identity with empty claims',
      accepts('https://ci.test', {}),
      /every token of this issuer is accepted; add a claim/,
    ],
    [
      'an identity whose claims match anything',
      accepts('https://ci.test', { sub: '*', ref: '**' }),
      /every token of this issuer/,
    ],
    [
      'any repository of GitHub',
      accepts(GITHUB, { ref: 'refs/heads/main' }),
      /signs tokens for all its users; add .*owner/,
    ],
    ['any subject of GitHub', accepts(GITHUB, { sub: 'repo:*' }), /signs tokens for all its users/],
    ['subjects without an owner', accepts(GITHUB, { sub: 'environment:production' }), /signs tokens for all its users/],
    [
      'an owner pattern that matches similar names',
      accepts(GITHUB, { repository_owner: 'acme*' }),
      /signs tokens for all its users/,
    ],
    [
      'a repository pattern that matches similar owners',
      accepts(GITHUB, { repository: 'acme*/shop' }),
      /signs tokens for all its users/,
    ],
    [
      'any project of GitLab',
      accepts('https://gitlab.com', { ref_protected: 'true' }),
      /signs tokens for all its users/,
    ],
    [
      'any pipeline of Buildkite',
      accepts(BUILDKITE, { pipeline_slug: 'deploy' }),
      /e\.g\. claims: \{ organization_slug/,
    ],
    ['three people', { overrides: { people: 3 } }, /must be 1, or 2 \(the requester and a second person\)/],
    ['an override for a month', { overrides: { maxHours: 720 } }, /at most 336 hours \(two weeks\)/],
    ['data that is stale immediately', { stale: { afterMinutes: 0 } }, /at least 1 minute/],
    ['an unknown value for stale data', { stale: { deploys: 'warn' } }, /allow/],
  ])('%s', (_, defaults, problem) => {
    expect(problemsOf({ defaults })).toMatch(problem);
    expect(problemsOf({ policies: [{ match: {}, ...defaults }] })).toMatch(problem);
  });

  test.each([
    [GITHUB, { repository_owner: 'acme', ref: 'refs/heads/*' }],
    [GITHUB, { repository: 'acme/*' }],
    [GITHUB, { sub: 'repo:acme/checkout:environment:*' }],
    [GITHUB, { sub: 'repository_owner_id:1234:environment:production' }],
    [`${GITHUB}/acme-enterprise`, { ref: 'refs/heads/main' }],
    ['https://gitlab.com', { project_path: 'acme/*', ref: 'main' }],
    ['https://gitlab.com', { sub: 'project_path:acme/*' }],
    [BUILDKITE, { sub: 'organization:acme:*' }],
    ['https://ci.test', { sub: 'job:*' }],
  ])('an identity of %s with claims %j is accepted', (issuer, claims) => {
    expect(FreezeFile.safeParse({ defaults: accepts(issuer, claims) }).error).toBeUndefined();
  });

  test.each<[string, object, RegExp]>([
    ['a policy without match', { policies: [{ burn: 'off' }] }, /match/],
    ['an empty list of services', { policies: [{ match: { service: [] } }] }, /must not be empty/],
    ['an unknown tier', { policies: [{ match: { tier: 5 } }] }, /must be a tier from 1 to 4/],
    ['two names for one key', { policies: [{ match: { tier: 1, tiers: 1 } }] }, /mean the same/],
    [
      'an unknown value for unknown services',
      { unknownService: 'warn' },
      /unknownService.*allow|allow.*unknownService/,
    ],
    ['an entry without a name', { calendar: [ONCE] }, /name/],
    [
      'an entry with a blank name',
      { calendar: [{ name: ' ', ...ONCE }] },
      /must not be empty: it identifies the entry/,
    ],
    [
      'two entries with one name',
      {
        calendar: [
          { name: 'a', ...ONCE },
          { name: 'a', ...ONCE },
        ],
      },
      /another entry has the name .*"a/,
    ],
    [
      'services and teams in one entry',
      { calendar: [{ name: 'a', ...ONCE, service: 'x', team: 'y' }] },
      /cannot have both services and teams/,
    ],
    ['an entry without a start', { calendar: [{ name: 'a', until: '2026-12-06' }] }, /\\"from\\" is missing/],
    ['an entry without an end', { calendar: [{ name: 'a', from: '2026-12-06T00:00Z' }] }, /\\"until\\" is missing/],
    [
      'an entry without a time zone',
      { calendar: [{ name: 'a', from: '2026-12-06', duration: '1d' }] },
      /\\"timeZone\\" is missing/,
    ],
    [
      'an entry that ends before it starts',
      { calendar: [{ name: 'a', ...ONCE, until: '2026-12-01' }] },
      /the end .* is not after the start/,
    ],
    [
      'a recurring entry without a duration',
      { calendar: [{ name: 'a', start: '2026-12-06', ...BERLIN, rrule: 'FREQ=DAILY' }] },
      /\\"duration\\" is missing/,
    ],
    [
      'an invalid rule',
      { calendar: [{ name: 'a', start: '2026-12-06', ...BERLIN, duration: '1h', rrule: 'WEEKLY' }] },
      /write a rule such as FREQ=WEEKLY;BYDAY=SA/,
    ],
    ['nobody', { calendar: [{ name: 'a', ...ONCE, services: [] }] }, /must not be empty; omit it to include all/],
  ])('%s', (_, file, problem) => {
    expect(problemsOf(file)).toMatch(problem);
  });
});

const share = fc.constantFrom<unknown>(0.2, '35%', '66.6 %', '99.99%', 0.1 + 0.2);
const higher = fc.constantFrom<unknown>(1, '100%', '250%', 10);
const off = fc.constantFrom<unknown>('off', false);
const kinds = fc.constantFrom<unknown>('hotfix', ['rollback', 'security'], [], ['flag']);
const anyRules = fc.record(
  {
    budget: fc.oneof(off, fc.record({ warn: share, freeze: higher, liftBelow: share }, { requiredKeys: [] })),
    burn: fc.oneof(off, fc.constantFrom('page', 'ticket')),
    minimumMinutes: fc.integer({ min: 0, max: 100 }),
    passes: kinds,
    identities: fc.constantFrom(
      [],
      [{ issuer: 'https://ci.test', audience: 'firebreak', claims: { sub: 'repo:acme/*' } }],
    ),
    dependants: fc.oneof(off, fc.constantFrom<unknown>('warn', 'on', true)),
    incidents: fc.oneof(off, fc.constantFrom('critical', 'warning')),
    stale: fc.record(
      { afterMinutes: fc.integer({ min: 1, max: 60 }), deploys: fc.constantFrom('allow', 'deny') },
      { requiredKeys: [] },
    ),
    outage: fc.record({ maxAgeMinutes: fc.nat(60), deploys: fc.constantFrom('allow', 'deny') }, { requiredKeys: [] }),
    overrides: fc.record(
      { people: fc.constantFrom(1, 2), maxHours: fc.integer({ min: 1, max: 48 }) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const names = fc.constantFrom<unknown>('a', ['a', 'b'], ['é']);
const scope = fc.oneof(
  fc.record({ services: names }),
  fc.record({ team: names }),
  fc.record({ environment: names }),
  fc.constant({}),
);
const anyEntry = fc
  .tuple(
    fc.oneof(anySingle, anyRecurring),
    scope,
    fc.record({ reason: fc.constant('why'), passes: kinds }, { requiredKeys: [] }),
  )
  .map(([{ name, start, timeZone, duration, ...recurs }, whom, more]) => ({
    name,
    start,
    timeZone,
    duration,
    ...('rrule' in recurs && { rrule: recurs.rrule }),
    ...whom,
    ...more,
  }));
const anyFile = fc.record(
  {
    defaults: anyRules,
    policies: fc.array(
      fc
        .tuple(anyRules, fc.record({ service: names, tier: fc.constantFrom<unknown>(1, [2, 3]) }, { requiredKeys: [] }))
        .map(([rules, match]) => ({ match, ...rules })),
      { maxLength: 2 },
    ),
    calendar: fc.uniqueArray(anyEntry, { selector: ({ name }) => name, maxLength: 2 }),
    unknownService: fc.constantFrom('allow', 'deny'),
  },
  { requiredKeys: [] },
);

test('the published configuration parses to the same value as the files, in all notations', () => {
  fc.assert(
    fc.property(anyFile, (written) => {
      const freeze = FreezeFile.parse(written);
      const stored: unknown = JSON.parse(JSON.stringify({ ...emptyConfig, freeze }));
      expect(Config.parse(stored).freeze).toEqual(freeze);
    }),
    { numRuns: runs(50) },
  );
});

describe('docs/reference/freezes.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/reference/freezes.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);

  test.each(blocks.map((text, n) => ({ text, n: n + 1 })))('contains only valid YAML: block $n', ({ text }) => {
    expect(FreezeFile.safeParse(parseYaml(text)).error?.issues ?? []).toEqual([]);
  });

  test('shows the defaults', () => {
    const subject = {
      service: ServiceName.parse('x'),
      environment: EnvironmentName.parse('y'),
      team: null,
      tier: null,
    };
    expect(policyFor(FreezeFile.parse(parseYaml(blocks[0] ?? '')), subject)).toEqual(DEFAULT_POLICY);
  });

  test('shows every key', () => {
    const keys = [...Object.keys(FreezeRules.shape), ...Object.keys(FreezeFile.shape)];
    expect(keys.filter((key) => !blocks.some((text) => new RegExp(`\\b${key}:`).test(text)))).toEqual([]);
  });
});
