import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { actorMay, actorOf } from '../../../core/domain/people/people.ts';
import { loadSet } from '../../../local/config/config-set.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

let dir: string;

beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-people-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const CATALOGUE = `services:
  checkout: { team: payments, environments: { production: {}, staging: {} } }
  search: { team: discovery, environments: { production: {} } }
`;

/** Returns the errors of a configuration with this file, otherwise its warnings, without the folder. */
async function saidOf(file: 'people.yaml' | 'response.yaml', text: string, services = CATALOGUE): Promise<string[]> {
  await writeFile(join(dir, 'services.yaml'), services);
  await writeFile(join(dir, file), text);
  const loaded = await loadSet({ configDir: dir, runbooksDir: join(dir, 'runbooks') });
  return (loaded.ok ? loaded.warnings : loaded.problems).map((line) => line.replace(`${dir}/`, ''));
}

describe('people.yaml', () => {
  test('limits roles to the services and environments that its names mean', async () => {
    const limits = 'services: [Checkout, checkout], environments: [prod]';
    const role = `{ actions: [incidents:act], ${limits} }`;
    const text = `people:\n  ada: { slack: U0ADA, roles: [lead] }\nroles:\n  lead: ${role}\n`;
    expect(await saidOf('people.yaml', text)).toEqual([]);
    const loaded = await loadSet({ configDir: dir, runbooksDir: join(dir, 'runbooks') });
    const config = loaded.ok ? loaded.config : expect.unreachable();
    const user = { id: 'U0ADA', team: 'T1', email: null, name: null, groups: [], kind: 'member' } as const;
    const found = actorOf(config, user);
    const actor = found.ok ? found.actor : expect.unreachable();
    const may = (service: string, environment: string) =>
      actorMay(actor, 'incidents:act', { service, environment }, '2026-11-20T12:00:00.000Z' as Timestamp).allowed;
    expect(may('checkout', 'production')).toBe(true);
    expect([may('checkout', 'staging'), may('search', 'production')]).toEqual([false, false]);
  });

  test.each([
    [
      'key of a person',
      'people:\n  ada:\n    name: Ada\n    emial: ada@example.com\n',
      'people.yaml:4: people.ada: unknown key "emial" (did you mean "email"?)',
    ],
    ['key of the file', 'poeple: {}\n', 'people.yaml:1: unknown key "poeple" (did you mean "people"?)'],
    [
      'key of an on-call entry',
      'onCall:\n  payments:\n    escalationPolcy: PESC001\n',
      'people.yaml:3: onCall.payments: unknown key "escalationPolcy" (did you mean "escalationPolicy"?)',
    ],
    [
      'key of a role',
      'roles:\n  lead: { actions: ["*"], service: own }\n',
      'people.yaml:2: roles.lead: unknown key "service" (did you mean "services"?)',
    ],
  ])('an unknown %s is an error', async (_, text, problem) => {
    expect(await saidOf('people.yaml', text)).toContain(problem);
  });

  test.each([
    [
      'a role',
      'people:\n  ada: { roles: [respnder] }\n',
      /^people\.yaml:2: people\.ada\.roles: unknown role "respnder"; known roles: .*responder/,
    ],
    [
      'a Slack id',
      'people:\n  ada:\n    slack: "@ada"\n',
      /^people\.yaml:3: people\.ada\.slack: must be a Slack user ID, such as U012AB3CD/,
    ],
    ['an address', 'people:\n  ada:\n    email: ada\n', /^people\.yaml:3: people\.ada\.email: /],
    [
      'an action',
      'roles:\n  lead:\n    actions:\n      - incident:write\n',
      /^people\.yaml:4: roles\.lead\.actions\.0: /,
    ],
    [
      'an id of two people',
      'people:\n  ada: { slack: U0ADA0001 }\n  bob: { slack: U0ADA0001 }\n',
      /^people\.yaml:3: .*ada and bob have the same slack/,
    ],
  ])('%s that is invalid is an error', async (_, text, problem) => {
    expect(await saidOf('people.yaml', text)).toEqual([expect.stringMatching(problem)]);
  });

  test('unknown teams, services, and environments are warnings', async () => {
    const text = `people:
  ada:
    teams: [payments, paymnts]
roles:
  lead:
    actions: [incidents:read]
    services:
      - chekout
    environments: [prodction]
userGroups:
  S0ONCALL1: { teams: [data] }
onCall:
  paymnets: { escalationPolicy: PESC001 }
`;
    expect(await saidOf('people.yaml', text)).toEqual([
      'people.yaml:3: warning: no service in the catalogue belongs to a team "paymnts", so the entry has no effect (did you mean "payments"?)',
      'people.yaml:8: warning: the catalogue has no service "chekout", so this part of the role has no effect (did you mean "checkout"?)',
      'people.yaml:9: warning: no service in the catalogue has an environment "prodction", so this part of the role has no effect (did you mean "production"?)',
      'people.yaml:11: warning: no service in the catalogue belongs to a team "data", so the entry has no effect',
      'people.yaml:13: warning: no service in the catalogue belongs to a team "paymnets", so its on-call rota is never used (did you mean "payments"?)',
    ]);
  });

  test('an environment is accepted if a service has every environment', async () => {
    const text = 'roles:\n  lead: { actions: ["*"], environments: [anything] }\n';
    expect(await saidOf('people.yaml', text, 'services: { checkout: {} }\n')).toEqual([]);
  });

  test('known names give no warning', async () => {
    const text = 'people:\n  ada: { teams: [payments] }\nonCall: { discovery: { schedule: PSCHED1 } }\n';
    expect(await saidOf('people.yaml', text)).toEqual([]);
  });
});

describe('response.yaml', () => {
  test.each([
    ['key of the file', 'trige: {}\n', 'response.yaml:1: unknown key "trige" (did you mean "triage"?)'],
    [
      'key of the reminders',
      'triage:\n  acknowledgeMinute: 5\n',
      'response.yaml:2: triage: unknown key "acknowledgeMinute" (did you mean "acknowledgeMinutes"?)',
    ],
    [
      'key of a receiver',
      'webhooks:\n  - url: https://pager.example\n    signature: PAGER\n    severites: [critical]\n',
      'response.yaml:4: webhooks.0: unknown key "severites" (did you mean "severities"?)',
    ],
    [
      'key of a stakeholder',
      'stakeholders:\n  - email: cto@example.com\n    evryMinutes: 60\n',
      'response.yaml:3: stakeholders.0: unknown key "evryMinutes" (did you mean "everyMinutes"?)',
    ],
  ])('an unknown %s is an error', async (_, text, problem) => {
    expect(await saidOf('response.yaml', text)).toEqual([problem]);
  });

  test.each([
    ['escalation:\n  how: pageagain\n', /^response\.yaml:2: escalation\.how: .*\(did you mean "page-again"\?\)$/],
    ['pagerduty: { resolve: resolv }\n', /^response\.yaml:1: pagerduty\.resolve: .*\(did you mean "resolve"\?\)$/],
    ['triage: { updateMinutes: of }\n', /^response\.yaml:1: triage\.updateMinutes: .*\(did you mean "off"\?\)$/],
    ['triage: { from: everything }\n', /^response\.yaml:1: triage\.from: must be one of critical, warning$/],
    [
      'webhooks:\n  - url: https://pager.example\n    signature: PAGER\n    events:\n      - incident.open\n',
      /^response\.yaml:5: webhooks\.0\.events\.0: .*\(did you mean "incident\.opened"\?\)$/,
    ],
  ])('an unknown value is an error with the nearest valid one: %j', async (text, problem) => {
    expect(await saidOf('response.yaml', text)).toEqual([expect.stringMatching(problem)]);
  });

  test('unknown services and teams, and a missing second route, are warnings', async () => {
    const text = `escalation:
  how: fallback
webhooks:
  - url: https://pager.example
    signature: PAGER
    services: [checkout, serch, unmatched]
stakeholders:
  - email: cto@example.com
    services: [chekout]
  - slack: "#status"
    teams:
      - payment
`;
    expect(await saidOf('response.yaml', text)).toEqual([
      'response.yaml:2: warning: paging.yaml has no "fallback", so the pager is used again instead (how: page-again)',
      'response.yaml:6: warning: the catalogue has no service "serch", so nothing is sent for it (did you mean "search"?)',
      'response.yaml:9: warning: the catalogue has no service "chekout", so nothing is sent for it (did you mean "checkout"?)',
      'response.yaml:12: warning: no service in the catalogue belongs to a team "payment", so nothing is sent for it (did you mean "payments"?)',
    ]);
  });
});
