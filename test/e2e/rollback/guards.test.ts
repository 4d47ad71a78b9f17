import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environment, type Deployed, Guarded, type Site } from '../../product/guarded.ts';
import { minutesAgo } from '../../support/alerts.ts';
import { at as runCommand } from '../../entrances/cli/support.ts';
import { EACH_ALONE, Firebreak } from '../../support/firebreak.ts';
import { seen } from '../../support/fixtures.ts';

const place = (mode: string, autoRollback: object = {}) => ({
  environments: { production: environment(mode, { autoRollback }) },
});

/** The service of a scenario is named after its mode: `act-7`, `approve-0`. */
const services = Object.fromEntries(
  [...Array.from({ length: 13 }, (_, n) => `act-${n}`), 'approve-0', 'suggest-0', 'shadow-0'].map((name) => [
    name,
    place(name.replace(/-\d+$/, '')),
  ]),
);
const at = (service: string): Site => ({ service, environment: 'production' });

const GOOD = { version: 'v1', minutes: 240 };
const BAD = { version: 'v2', minutes: 6 };

let firebreak: Firebreak;
const guarded = new Guarded(() => firebreak);
const { rollbacks, awaitEntry: told } = guarded;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 100,
    services: {
      ...services,
      cautious: place('act', { unknownMigration: 'approve' }),
      'no-deployer': { environments: { production: { autoRollback: { mode: 'act', evidence: 'time' } } } },
      'by-default': { environments: { production: { deployer: { kind: 'http' } } } },
    },
    configFiles: EACH_ALONE,
    env: { LOG_LEVEL: 'warn' },
  });
});
afterAll(() => firebreak?.remove());

const incident = (service: string, is: (incident: any) => boolean) =>
  seen(
    async () => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items.find(is),
    `the incident of ${service}`,
  );

describe('a guard that applies is named in the decision and on the timeline', () => {
  type Scenario = {
    deploys?: Deployed[];
    labels?: Record<string, string>;
    kind: string;
    because: string;
    text: RegExp;
  };

  const scenarios: [service: string, scenario: Scenario][] = [
    ['act-0', { deploys: [], kind: 'none', because: 'no_confident_suspect', text: /no change/ }],
    ['act-1', { deploys: [GOOD], kind: 'none', because: 'no_confident_suspect', text: /no change/ }],
    [
      'act-2',
      {
        deploys: [GOOD, { ...BAD, has_migration: true }],
        kind: 'approve',
        because: 'migration_in_deploy',
        text: /v2 has a migration/,
      },
    ],
    ['cautious', { kind: 'approve', because: 'migration_unknown', text: /unknown whether v2 has a migration/ }],
    [
      'act-3',
      {
        deploys: [BAD],
        kind: 'none',
        because: 'no_known_good_version',
        text: /no earlier version is known to be good/,
      },
    ],
    [
      'act-4',
      {
        deploys: [{ version: 'v1', minutes: 20 }, BAD],
        kind: 'none',
        because: 'no_known_good_version',
        text: /known to be good/,
      },
    ],
    [
      'act-5',
      {
        deploys: [
          GOOD,
          { version: 'v2', minutes: 90 },
          { version: 'v1', minutes: 80, kind: 'rollback', previous_version: 'v2' },
          BAD,
        ],
        kind: 'approve',
        because: 'already_rolled_back',
        text: /v2 was already rolled back before/,
      },
    ],
    [
      'act-6',
      {
        deploys: [GOOD, { version: 'v2', minutes: 12 }, { version: 'v3', minutes: 0.1 }],
        labels: {},
        kind: 'suggest',
        because: 'superseded',
        text: /v3 was deployed since/,
      },
    ],
    [
      'act-7',
      {
        deploys: [GOOD, { version: 'new-checkout', minutes: 4, kind: 'flag' }],
        kind: 'none',
        because: 'not_a_deploy',
        text: /is a feature flag change/,
      },
    ],
    [
      'act-8',
      { deploys: [GOOD, { ...BAD, minutes: 0.5 }], kind: 'approve', because: 'clock_skew', text: /clocks may differ/ },
    ],
    [
      'act-9',
      {
        deploys: [GOOD, { ...BAD, status: 'failed' }],
        kind: 'approve',
        because: 'deploy_failed',
        text: /the deploy of v2 failed/,
      },
    ],
    ['act-10', { labels: { action: 'notify' }, kind: 'suggest', because: 'not_requested', text: /no alert requests/ }],
    [
      'act-11',
      {
        labels: { environment: 'nowhere' },
        kind: 'none',
        because: 'unmatched',
        text: /does not match any service and environment/,
      },
    ],
    [
      'nobody',
      {
        kind: 'none',
        because: 'unmatched',
        text: /^Look at nobody in production\.\n[^]*does not match any service and environment/,
      },
    ],
    ['no-deployer', { kind: 'none', because: 'no_deployer', text: /no deployer/ }],
    [
      'shadow-0',
      {
        kind: 'shadow',
        because: 'mode_shadow',
        text: /^Would have rolled shadow-0 in production back from v2 to v1 \(shadow mode\)/,
      },
    ],
    [
      'by-default',
      {
        kind: 'shadow',
        because: 'mode_shadow',
        text: /^Would have asked for approval to roll by-default in production back from v2 to v1 \(shadow mode\)[^]*it is unknown whether v2/,
      },
    ],
    ['suggest-0', { kind: 'suggest', because: 'mode_suggest', text: /mode suggest/ }],
    ['approve-0', { kind: 'approve', because: 'mode_approve', text: /mode approve/ }],
  ];

  beforeAll(async () => {
    await Promise.all(
      scenarios.map(async ([service, { deploys = [GOOD, BAD], labels }]) => {
        await guarded.deployed(at(service), ...deploys);
        await guarded.fire(at(service), labels, minutesAgo(1));
      }),
    );
  });

  test.each(scenarios)('%s: %o', async (service, { kind, because, text }) => {
    const unmatched = because === 'unmatched';
    const one = await incident(
      unmatched ? 'unmatched' : service,
      ({ decisions, title }) => decisions.length > 0 && (!unmatched || title.startsWith(`${service}:`)),
    );
    expect(one.decisions).toMatchObject([{ kind, because, state: kind === 'approve' ? 'waiting' : 'final' }]);
    await told(one, 'decision', text);
    // A critical alert pages, regardless of the decision about a rollback.
    await told(one, 'page.succeeded');
    expect(await rollbacks(at(service))).toEqual([]);
    const { next_step: next } = (await firebreak.get(`/v1/incidents/${one.id}`)).body;
    if (unmatched) expect(next[0]).toBe(`Look at ${service} in ${one.environment}.`);
    const { body } = await firebreak.get(`/v1/incidents/${one.id}/decisions/1`);
    expect(body.inputs).toMatchObject({ evidence: { incident_id: one.id }, matched: !unmatched });
  });

  test('requires approval after three rollbacks in an hour', async () => {
    const service = 'act-12';
    await guarded.deployed(at(service), { version: 'v1', minutes: 240 });
    for (const version of ['v2', 'v3', 'v4']) {
      await guarded.deployed(at(service), { version, minutes: 0 });
      await guarded.fire(at(service), {}, minutesAgo(0));
      const one = await incident(
        service,
        ({ status, decisions }) => status === 'mitigated' && decisions[0].from_version === version,
      );
      await guarded.act(one, 'resolve');
      await incident(service, ({ id, status }) => id === one.id && status === 'resolved');
    }
    await guarded.deployed(at(service), { version: 'v5', minutes: 0 });
    await guarded.fire(at(service), {}, minutesAgo(0));
    const one = await incident(service, ({ decisions }) => decisions[0]?.from_version === 'v5');
    expect(one.decisions).toMatchObject([{ kind: 'approve', because: 'rate_limited', to_version: 'v1' }]);
    expect(await rollbacks(at(service))).toHaveLength(3);
  });

  test('names the incident of a rollback by its number where people read of the version', async () => {
    const service = 'act-12';
    const { number } = await incident(service, ({ decisions }) => decisions[0]?.from_version === 'v4');
    const { out } = await runCommand(firebreak, 'deploy', 'list', '--service', service);
    expect(out).toMatch(new RegExp(`  v4  .*  rolled back in INC-${number}$`, 'm'));
    const check = await firebreak.get(`/v1/freeze-check?service=${service}&environment=production&version=v4`);
    expect(check.body.reasons[0].text).toMatch(new RegExp(`^v4 has been pinned as known bad .* \\(INC-${number}\\)$`));
  });
});
