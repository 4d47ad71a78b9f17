import { describe, expect, test } from 'vitest';
import { readEnvironment } from '../../../functions/assembly/environment.ts';
import { SETTABLE } from '../../../functions/assembly/secret-groups.ts';
import { readSettings } from '../../../local/settings.ts';
import type { Variable } from '../../../schemas/config/variable.ts';
import { type Env, MACHINE_ONLY, namesIn, type VariableName, VARIABLES } from '../../../schemas/config/variables.ts';

/** Names and defaults that users rely on and that must not change. Undefined: no default. */
const PUBLISHED = {
  PORT: 8080,
  HOST: '127.0.0.1',
  FIREBREAK_DATA_DIR: '.firebreak',
  FIREBREAK_CONFIG_DIR: 'config',
  FIREBREAK_RUNBOOKS_DIR: 'runbooks',
  FIREBREAK_ADMIN_TOKEN: undefined,
  FIREBREAK_INGEST_TOKEN: undefined,
  FIREBREAK_SANDBOX: 'on',
  LOG_LEVEL: 'info',
  LOG_FORMAT: undefined,
  FIREBREAK_TIME_SCALE: 1,
  SLACK_API_URL: 'https://slack.com/api/',
  SLACK_BOT_TOKEN: undefined,
  SLACK_SIGNING_SECRET: undefined,
  PAGERDUTY_EVENTS_URL: 'https://events.pagerduty.com',
  PAGERDUTY_API_URL: 'https://api.pagerduty.com',
  PAGERDUTY_ROUTING_KEY: undefined,
  PAGERDUTY_API_TOKEN: undefined,
  PAGERDUTY_WEBHOOK_SECRET: undefined,
  STATUSPAGE_API_URL: 'https://api.statuspage.io/v1',
  STATUSPAGE_API_KEY: undefined,
  STATUSPAGE_PAGE_ID: undefined,
  GRAFANA_URL: undefined,
  GRAFANA_TOKEN: undefined,
  GRAFANA_WEBHOOK_SECRET: undefined,
  GRAFANA_TIMESTAMP_HEADER: 'X-Grafana-Alerting-Timestamp',
  PROMETHEUS_URL: undefined,
  ALERTMANAGER_URL: undefined,
  GITHUB_API_URL: 'https://api.github.com',
  GITHUB_TOKEN: undefined,
  GITHUB_APP_ID: undefined,
  GITHUB_APP_PRIVATE_KEY: undefined,
  GITHUB_WEBHOOK_SECRET: undefined,
  ARGOCD_URL: undefined,
  ARGOCD_TOKEN: undefined,
  LAUNCHDARKLY_API_URL: 'https://app.launchdarkly.com',
  LAUNCHDARKLY_TOKEN: undefined,
  SMTP_URL: undefined,
  MAIL_FROM: undefined,
} satisfies Partial<Record<VariableName, unknown>>;

test.each(Object.entries(PUBLISHED))('%s keeps its name and default', (name, standard) => {
  const variable: Variable = VARIABLES[name as keyof typeof PUBLISHED];
  expect(variable.schema.safeParse(undefined).data).toBe(standard);
  if (variable.standard !== undefined) expect(variable.standard).toBe(standard);
});

test('credentials are secrets; addresses and names are not', () => {
  const secrets = (Object.keys(VARIABLES) as VariableName[]).filter((name) => (VARIABLES[name] as Variable).secret);
  const looksSecret = /(_TOKEN|_TOKEN_PREVIOUS|_RESOURCES|_PASSWORD|_SECRET|_KEY|_KEY_PREVIOUS|SMTP_URL|OTLP_HEADERS)$/; // a URL or a header can contain a password
  expect(secrets.filter((name) => !looksSecret.test(name))).toEqual([]);
  expect(Object.keys(VARIABLES).filter((name) => looksSecret.test(name) && !secrets.includes(name as never))).toEqual(
    [],
  );
});

test('the table contains exactly what a deployment can set', () => {
  expect([...SETTABLE].toSorted()).toEqual(namesIn('access', 'vendors').toSorted());
});

describe('one machine', () => {
  test('an empty value counts as not set', () => {
    expect(readSettings({ PORT: '', FIREBREAK_SANDBOX: '', PAGERDUTY_EVENTS_URL: '' }, '/srv')).toEqual(
      readSettings({}, '/srv'),
    );
  });

  test.each<[keyof Env, string]>([
    ['PORT', '80a'],
    ['FIREBREAK_SANDBOX', 'disabled'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_FORMAT', 'logfmt'],
    ['PAGERDUTY_EVENTS_URL', 'events.pagerduty.com'],
    ['PROMETHEUS_URL', 'ftp://prometheus'],
    ['SMTP_URL', 'https://mail.example.com'],
  ])('%s=%s stops the start with an error that names it without its value', (name, value) => {
    const start = () => readSettings({ [name]: value }, '/srv');
    expect(start).toThrow(name);
    expect(start).not.toThrow(value);
  });
});

describe('Lambda', () => {
  test.each(MACHINE_ONLY)('%s is refused', (name) => {
    expect(() => readEnvironment({ LAMBDA_TASK_ROOT: '/var/task', [name]: 'x' })).toThrow(
      `refused on Lambda: ${name}.`,
    );
  });

  test('local-only switches are refused', () => {
    const switches: (keyof Env)[] = ['FIREBREAK_TIME_SCALE', 'FIREBREAK_SANDBOX', 'FIREBREAK_DATA_DIR'];
    expect(MACHINE_ONLY).toEqual(expect.arrayContaining(switches));
  });
});
