import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, launched } from './support.ts';

let dir: string;
const write = (name: string, text: string) => writeFile(join(dir, name), text);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-cli-'));
  await Promise.all(['config', 'runbooks'].map((name) => mkdir(join(dir, name))));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const RIGHT = `---
title: Say it
match: { runbook: say-it }
steps:
  - id: say
    uses: note
    with: { text: hello }
---
Words.
`;
const WRONG = RIGHT.replace('uses: note', 'uses: not');

const folders = ['--config', 'config', '--runbooks', 'runbooks'];

describe('check', () => {
  test('the shipped configuration is valid', async () => {
    const { code, out } = await cli(['check']);
    expect([code, out]).toEqual([0, expect.stringMatching(/1 service in config, \d+ runbooks in runbooks: OK\n$/)]);
  });

  test('reports errors of all files with file, line, and suggestion', async () => {
    await write(
      'config/services.yaml',
      'services:\n  checkout:\n    environments:\n      production:\n        drils: true\n',
    );
    await write('runbooks/say.md', WRONG);
    const { code, out, err } = await cli(['check', ...folders], { cwd: dir });
    expect(out.trim().split('\n')).toEqual([
      'config/services.yaml:5: services.checkout.environments.production: unknown key "drils" (did you mean "drills"?)',
      expect.stringMatching(/^runbooks\/say\.md:6: steps\.0\.uses: must be one of .* \(did you mean "note"\?\)$/),
    ]);
    expect([code, err]).toEqual([1, '2 problems\n']);
  });

  test('refuses health queries of another service, and warns of those that take all services', async () => {
    const query = (matchers: string) => `rate(http_requests_total{${matchers}}[1m])`;
    const health = (promql: string, byVersion: string) =>
      `        health: { promql: '${promql}', max: 0.01, byVersion: '${byVersion}' }`;
    const own = 'job:http:error_ratio{service="shop"}';
    const checked = async (byVersion: string, promql = own) => {
      const lines = [
        'services:',
        '  payments: {}',
        '  shop:',
        '    environments:',
        '      live:',
        health(promql, byVersion),
      ];
      await write('config/services.yaml', lines.join('\n'));
      const { code, out } = await cli(['check', ...folders], { cwd: dir });
      return {
        code,
        text: out
          .split('\n')
          .filter((line) => line.includes('.health.'))
          .join(),
      };
    };
    const path = 'services\\.shop\\.environments\\.live\\.health';
    expect(await checked(query('service="payments"'))).toMatchObject({
      code: 1,
      text: expect.stringMatching(
        new RegExp(`^config/services\\.yaml:6: ${path}\\.byVersion measures the service payments`),
      ),
    });
    expect(await checked(query('code="500"'))).toMatchObject({
      code: 0,
      text: expect.stringMatching(/warning: .*byVersion takes http_requests_total of all services/),
    });
    for (const byVersion of [query('service="shop"'), query('namespace="shop"'), 'shop_errors:by_version'])
      expect(await checked(byVersion)).toEqual({ code: 0, text: '' });
    expect(await checked(query('code="500"'), 'sum(rate(shop_errors_total[1m]))')).toEqual({ code: 0, text: '' });
  });

  test('warns of rollbacks without proof, with what to do instead', async () => {
    await write(
      'config/services.yaml',
      'services:\n  shop:\n    environments:\n      live:\n        autoRollback: { evidence: time }\n',
    );
    const { code, out } = await cli(['check', ...folders], { cwd: dir });
    expect(code).toBe(0);
    expect(out).toMatch(
      /^config\/services\.yaml:5: warning: .*autoRollback\.evidence is "time", .*nothing proves.*health\.byVersion/m,
    );
  });

  test('warns of targets without credentials', async () => {
    await write(
      'config/services.yaml',
      'services:\n  checkout:\n    environments:\n      production:\n        deployer: { kind: http, url: "http://cd.test/rollback" }\n        flags: { kind: http, url: "http://f.test/{flag}", auth: { bearer: F } }\n',
    );
    const { code, out } = await cli(['check', ...folders], { cwd: dir });
    expect(out).toMatch(/^config\/services\.yaml:5: warning: .*deployer has no "auth"/);
    expect([code, out.match(/warning/g)]).toEqual([0, ['warning']]);
  });

  test('does not warn of a target that can only be a stand-in', async () => {
    await write(
      'config/services.yaml',
      'services: { checkout: { environments: { production: { deployer: { kind: http } } } } }\n',
    );
    expect((await cli(['check', ...folders], { cwd: dir })).out).not.toContain('warning');
    const real = await cli(['check', ...folders], { cwd: dir, env: { CD_URL: 'http://cd.test/' } });
    expect(real.out).toMatch(/services\.yaml:1: warning: .*deployer has no "auth"/);
  });

  test('warns of a freeze policy for an unknown service', async () => {
    await write('config/services.yaml', 'services: { checkout: {} }\n');
    await write('config/freeze.yaml', 'policies:\n  - match: { service: chekout }\n    stale: { deploys: deny }\n');
    const { code, out } = await cli(['check', ...folders], { cwd: dir });
    expect([code, out.split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/^config\/freeze\.yaml:2: warning: .*"chekout".*\(did you mean "checkout"\?\)$/),
        '1 service in config, 0 runbooks in runbooks: OK',
        '',
      ],
    ]);
  });

  test('folders come from the environment; a missing named folder is a usage error', async () => {
    await write('config/routes.yaml', '- pages: true\n');
    const env = { FIREBREAK_CONFIG_DIR: join(dir, 'config'), FIREBREAK_RUNBOOKS_DIR: 'runbooks' };
    expect(await cli(['check'], { cwd: dir, env })).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^config\/routes\.yaml:1: 0: unknown key "pages"/),
    });
    expect(await cli(['check', '--config', 'nowhere'], { cwd: dir })).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(/^folder nowhere does not exist\n/),
    });
  });
});

describe('check reports mistakes that a start accepts silently:', () => {
  /** Runs `check` in this process. Returns lines without the temporary folder. */
  async function checked(
    files: Record<string, string>,
    ...more: string[]
  ): Promise<{ code: number | null; lines: string[] }> {
    for (const [name, text] of Object.entries(files)) await write(name, text);
    const { code, out } = await cli([
      'check',
      '--config',
      join(dir, 'config'),
      '--runbooks',
      join(dir, 'runbooks'),
      ...more,
    ]);
    return {
      code,
      lines: out
        .replaceAll(`${dir}/`, '')
        .trimEnd()
        .split('\n')
        .slice(0, code === 0 ? -1 : undefined),
    };
  }

  const WEEKENDS = 'start: 2026-01-03T02:00, duration: 2h, timeZone: UTC';
  const SERVICES = 'services:\n  checkout: { team: payments, environments: { production: {} } }\n';

  test.each<[string, Record<string, string>, number, string[]]>([
    [
      'a misspelled file name',
      { 'config/services.yml': SERVICES },
      1,
      [
        'config/services.yml:1: Firebreak does not read this (did you mean "services.yaml"?)',
        'config/services.yaml:1: warning: the catalogue has no services, so every alert is unmatched and nothing is automatic',
      ],
    ],
    [
      'a misspelled runbook, and a copy of a file',
      { 'runbooks/say.markdown': RIGHT, 'config/services.yaml': SERVICES, 'config/service.yaml': SERVICES },
      1,
      [
        'runbooks/say.markdown:1: Firebreak does not read this (did you mean "say.md"?)',
        'config/service.yaml:1: warning: Firebreak does not read this (did you mean "services.yaml"?)',
      ],
    ],
    [
      'an unknown dependency',
      { 'config/services.yaml': `${SERVICES}  payments: { dependsOn: [chekout] }\n` },
      0,
      [
        'config/services.yaml:3: warning: the catalogue has no service "chekout", a dependency of payments (did you mean "checkout"?)',
      ],
    ],
    [
      'routes without one for alerts of unknown services',
      {
        'config/services.yaml': SERVICES,
        'config/routes.yaml': 'routes:\n  - match: team="payments"\n    slack: "#payments"\n',
      },
      0,
      [
        'config/routes.yaml:1: warning: warnings without a known service are kept, but nobody reads them (write where they go, such as unmatched: { slack: "#alerts-without-owner" })',
      ],
    ],
    [
      'two services with the same match',
      { 'config/services.yaml': 'services:\n  a: { match: { app: x } }\n  b:\n    match: { app: x, tier: web }\n' },
      1,
      [
        'config/services.yaml:4: every alert that matches b is assigned to a, which comes first (give each service its own labels in "match", or put the more specific one first)',
      ],
    ],
    [
      'invalid PromQL',
      {
        'config/services.yaml':
          'services:\n  a:\n    environments:\n      production:\n        health:\n          promql: sum(rate(x[5m])\n          max: 1\n          traffic: rate(x[5 m])\n          pods: namespace=shop\n          callersByVersion: rate(x[5m])\n',
      },
      1,
      [
        'config/services.yaml:6: services.a.environments.production.health.promql is not valid PromQL: it is incomplete',
        'config/services.yaml:8: services.a.environments.production.health.traffic is not valid PromQL: unexpected "m])" at character 10',
        'config/services.yaml:9: services.a.environments.production.health.pods is not valid PromQL: unexpected "shop}" at character 12',
        'config/services.yaml:10: services.a.environments.production.health.callersByVersion must divide the rate of failed requests by that of all requests in one window, and health.promql must measure failed requests as well',
      ],
    ],
    [
      'routes with unknown teams, and unreachable routes',
      {
        'config/services.yaml': SERVICES,
        'config/routes.yaml':
          '- match: { team: paiments }\n- match: { severity: warning }\n- match: { severity: warning, tier: 1 }\n',
      },
      0,
      [
        'config/routes.yaml:1: warning: there is no team "paiments", so this route matches nothing (did you mean "payments"?)',
        'config/routes.yaml:3: warning: this route is unreachable: route 2 matches all of its alerts first (move this route up, or set "continue: true" in the other one)',
      ],
    ],
    [
      'hours of the day that are read as a night',
      {
        'config/services.yaml': SERVICES,
        'config/routes.yaml': [
          '- match: { severity: info }',
          '  hours: Mon-Fri 9-5',
          '- match: { severity: warning }',
          '  hours:',
          '    - Sat 22-6',
          '    - { from: 12, to: "6:30" }',
          '- match: { team: payments }',
          '  hours: [17-9, "00:00-24:00", 9-17]',
          '- match: { team: payments, severity: critical }',
          '  hours: Mon-Fri 09:00-05:00', // written out, it is meant
          '- match: { team: payments, severity: page }',
          '  hours: [{ from: "09:00", to: "05:00" }, "09:00 - 05:00", "22:00-06:00"]',
          '- match: { team: payments, severity: info }',
          '  hours: ["09:00-05:00", 9:00-5:00]',
          '- {}',
        ].join('\n'),
      },
      0,
      [
        'config/routes.yaml:2: warning: routes.0.hours is read as 09:00 until 05:00 of the next day (if the day is meant, write 09:00-17:00)',
        'config/routes.yaml:6: warning: routes.1.hours.1 is read as 12:00 until 06:30 of the next day (if the day is meant, write 12:00-18:30)',
        'config/routes.yaml:14: warning: routes.5.hours.1 is read as 09:00 until 05:00 of the next day (if the day is meant, write 09:00-17:00)',
      ],
    ],
    [
      'inhibition rules with labels and values that no alert has',
      {
        'config/services.yaml': `${SERVICES}  zoned:\n    match: { availability_zone: b }\n`,
        'config/routes.yaml': [
          'inhibit_rules:',
          '  - source_matchers: [serivce="a", severity="page"]',
          '    target_matchers: [severity=~"critcal|pgae"]',
          '    equal: [cluster, Namespace]',
          '  - source_match: { alert_name: Down }',
          '    target_match: { severity: warning, resource: disk, teams: x }',
          '    equal: [avaliability_zone, zone, pod_name, __alert_rule_uid__]',
          '  - source_match: { severity: critical, cluster: eu }',
          '    target_match_re: { severity: warning|info, cluster: eu|us }',
          '    equal: [severity, cluster]',
          '  - source_match: { severity: page }',
          '    target_match_re: { severity: warn|ticket }',
          '    equal: [cluster]',
          '  - source_match: { severity: critical, team: payments }',
          '    target_match: { severity: page }',
          '    equal: [severity]',
          '  - target_matchers: [alertname = InfoInhibitor]',
          '  - source_match: { alertname: Down }',
          'severities: { blocker: critical }',
          'routes:',
          '  - match: { severity: blocker }',
          '  - match: severity=~"P1|P2"',
          '  - match: severity=urgent',
          '  - match: enviroment=~"prod.*"',
          '  - match: __name__=ALERTS',
          '',
        ].join('\n'),
      },
      0,
      [
        'config/routes.yaml:2: warning: the label "serivce" is probably a typo, so its matcher sees an empty value (did you mean "service"?)',
        'config/routes.yaml:2: warning: no severity is known as "critcal|pgae": alerts with unknown ones are warnings (did you mean "critical|page"?)',
        'config/routes.yaml:4: warning: the label "Namespace" is probably a typo, so it restricts nothing (did you mean "namespace"?)',
        'config/routes.yaml:5: warning: the label "alert_name" is probably a typo, so its matcher sees an empty value (did you mean "alertname"?)',
        'config/routes.yaml:7: warning: no alert has the label "__alert_rule_uid__", so it restricts nothing',
        'config/routes.yaml:7: warning: the label "avaliability_zone" is probably a typo, so it restricts nothing (did you mean "availability_zone"?)',
        'config/routes.yaml:8: warning: the targets never have the severity "critical" of the source, as "equal" requires, so this rule mutes nothing (remove "severity" from "equal")',
        'config/routes.yaml:18: warning: this rule has no targets, so it mutes all alerts while its source fires (name them in "target_matchers")',
        'config/routes.yaml:23: warning: no severity is known as "urgent": alerts with unknown ones are warnings (give the word a meaning in "severities")',
        'config/routes.yaml:24: warning: the label "enviroment" is probably a typo, so its matcher sees an empty value (did you mean "environment"?)',
        'config/routes.yaml:25: warning: no alert has the label "__name__", so its matcher sees an empty value',
        expect.stringContaining('config/routes.yaml:1: warning: warnings without a known service are kept, but nobody'),
      ],
    ],
    [
      'freeze windows in the past',
      {
        'config/services.yaml': SERVICES,
        'config/freeze.yaml':
          'calendar:\n  - { name: sale, from: 2020-11-01T00:00:00Z, until: 2020-12-01T00:00:00Z }\n',
      },
      0,
      ['config/freeze.yaml:2: warning: "sale" ended at 2020-12-01T00:00:00.000Z (delete it, or correct the times)'],
    ],
    [
      'recurrences that mean something else than they say',
      {
        'config/services.yaml': SERVICES,
        'config/routes.yaml': `maintenance:\n  - { name: patches, match: {}, rrule: FREQ=YEARLY;BYWEEKNO=20, ${WEEKENDS} }\n`,
        'config/freeze.yaml': `calendar:\n  - { name: sale, rrule: FREQ=WEEKLY;BYDAY=1SA, ${WEEKENDS} }\n`,
      },
      0,
      [
        'config/freeze.yaml:2: warning: "sale": the number in BYDAY=1SA is ignored with FREQ=WEEKLY; write FREQ=MONTHLY;BYDAY=1SA',
        expect.stringContaining('config/routes.yaml:2: warning: "patches": BYWEEKNO needs FREQ=YEARLY and BYDAY'),
      ],
    ],
    [
      'links with unknown placeholders, and with values that are not in strings',
      {
        'config/services.yaml':
          'services:\n  a:\n    links:\n      - title: Board\n        kind: url\n        url: https://${{ service }}.test/\n',
        'config/links.yaml':
          'links:\n  - { title: Pod, kind: url, url: "https://x.test/${{ label.pod }}" }\n  - title: Logs\n    kind: kibana\n    url: https://k.test\n    dataView: logs\n    query: "app: ${{ service }}"\n  - { title: Other, kind: kibanna }\n',
      },
      1,
      [
        'config/services.yaml:6: services.a.links.0.url: must begin with http:// or https:// and a host without placeholders or a password',
        expect.stringMatching(
          /^config\/links\.yaml:2: links\.0\.url: unknown placeholder \$\{\{ label\.pod \}\}; use service, .*labels\.NAME/,
        ),
        'config/links.yaml:7: links.1.query: ${{ service }} must be in a string with double quotes, such as service.name : "${{ service }}"',
        'config/links.yaml:8: links.2.kind: must be one of url, grafana-loki, grafana-tempo, jaeger, kibana, opensearch-dashboards (did you mean "kibana"?)',
      ] as string[],
    ],
    [
      'a status page with an unknown environment',
      { 'config/services.yaml': SERVICES, 'config/status-page.yaml': 'environments: [prodution]\n' },
      0,
      [
        'config/status-page.yaml:1: warning: no service has an environment "prodution", so the status page never shows it (did you mean "production"?)',
      ],
    ],
    [
      'a status page with an unknown component',
      {
        'config/services.yaml': 'services: { checkout: { statusPage: { components: [Checkout] } } }\n',
        'config/status-page.yaml': 'pages:\n  main:\n    components:\n      - Chekout\n',
      },
      0,
      ['config/status-page.yaml:4: warning: no service has the component "Chekout" (did you mean "Checkout"?)'],
    ],
  ])('%s', async (_, files, code, lines) => {
    expect(await checked(files)).toEqual({ code, lines });
  });

  test('unset secrets of runbooks, with --secrets', async () => {
    const call = RIGHT.replace('uses: note', 'uses: http').replace(
      'with: { text: hello }',
      'with: { url: "https://flags.test/", method: GET, auth: { bearer: FLAGS_KEY } }\n    timeout: 1m',
    );
    const files = { 'config/services.yaml': SERVICES, 'runbooks/call.md': call };
    expect(await checked(files)).toEqual({ code: 0, lines: [] });
    expect(await checked(files, '--secrets')).toEqual({
      code: 0,
      lines: ['runbooks/call.md:1: warning: secret FLAGS_KEY is not set in this environment'],
    });
  });

  test('missing folders', async () => {
    const bare = { env: { FIREBREAK_CONFIG_DIR: '', FIREBREAK_RUNBOOKS_DIR: '' } };
    const { code, out } = await cli(['check'], { ...bare, root: dir.replace(/[^/]+$/, 'firebreak-nothing') });
    expect(code).toBe(0);
    expect(out).toMatch(
      /config:1: warning: this folder does not exist, .*\n.*runbooks:1: warning: this folder does not exist, /,
    );
  });
});

describe('runbooks', () => {
  test('lint reports errors with file and line', async () => {
    await write('runbooks/say.md', WRONG);
    const { code, out } = await cli(['runbooks', 'lint', 'runbooks'], { cwd: dir });
    expect([code, out]).toEqual([1, expect.stringMatching(/^runbooks\/say\.md:6: .*did you mean "note"\?\)\n$/)]);
  });

  test('lint warns of unreachable runbooks and unknown services', async () => {
    await write('config/services.yaml', 'services: { checkout: {} }\n');
    await write('runbooks/say.md', RIGHT.replace('steps:', 'services: chekout\nsteps:'));
    const { out } = await cli(['runbooks', 'lint', 'runbooks', '--config', 'config'], { cwd: dir });
    expect(out).toMatch(/^runbooks\/say\.md:4: .*chekout.*did you mean "checkout"\?/);
  });

  test('lint reports no problems for a valid runbook', async () => {
    await write('runbooks/say.md', RIGHT);
    const linted = await cli(['runbooks', 'lint', 'runbooks', '--config', 'config'], { cwd: dir });
    expect(linted).toEqual({ code: 0, out: '1 runbook, no problems found\n', err: '' });
  });

  test('list prints name, mode, number of steps, and title', async () => {
    await write('runbooks/say.md', RIGHT);
    expect(await cli(['runbooks', 'list', 'runbooks'], { cwd: dir })).toEqual({
      code: 0,
      out: 'NAME  MODE  STEPS  TITLE\nsay   -     1      Say it\n',
      err: '',
    });
    const { out } = await cli(['runbooks', 'list', 'runbooks', '--json'], { cwd: dir });
    expect(JSON.parse(out)).toEqual([
      { name: 'say', title: 'Say it', file: 'say.md', version: expect.stringMatching(/^[0-9a-f]{16}$/), mode: null },
    ]);
  });
});

describe('usage', () => {
  test.each<[string, string[], number, RegExp]>([
    ['no command', [], 2, /^Usage: firebreak/],
    ['an unknown command', ['chek'], 2, /unknown command 'chek'\n\(Did you mean check\?\)/],
    ['an unknown option', ['check', '--confg', 'x'], 2, /unknown option '--confg'/],
    ['a missing argument', ['drill', 'checkout'], 2, /missing required argument 'environment'/],
    ['an invalid value', ['incident', 'list', '--limit', 'all'], 2, /a whole number from 1 to 500/],
    [
      'an unknown action',
      ['token', 'create', 'ci', '--action', 'fly'],
      2,
      /unknown action "fly"; use one of .*rollback:request/,
    ],
    [
      'an action with a typo',
      ['token', 'create', 'ci', '--action', 'freezes:chek'],
      2,
      /did you mean "freezes:check"\?/,
    ],
    ['an invalid URL', ['incident', 'list'], 2, /FIREBREAK_URL is not an http or https URL: "nowhere"/],
  ])('%s exits with the documented code and reason', async (_, args, code, why) => {
    const ended = await cli(args, { env: { FIREBREAK_URL: 'nowhere', FIREBREAK_TOKEN: 'x' } });
    expect([ended.code, ended.out, ended.err]).toEqual([code, '', expect.stringMatching(why)]);
  });

  test('the launcher preserves working directory, arguments, and exit code', async () => {
    await write('runbooks/say.md', WRONG);
    const ended = await launched(['runbooks', 'lint', 'runbooks'], { cwd: dir });
    expect([ended.code, ended.out]).toEqual([1, expect.stringMatching(/^runbooks\/say\.md:6: /)]);
  });
});
