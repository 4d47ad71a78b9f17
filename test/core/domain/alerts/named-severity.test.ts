import { expect, test } from 'vitest';
import { requireSeverity } from '../../../../core/domain/alerts/named-severity.ts';
import { severityNamed } from '../../../../schemas/alerts/severities.ts';
import { Config } from '../../../../schemas/config/config.ts';

test.each([
  ['SEV1', 'critical'],
  ['p1', 'critical'],
  ['P0', 'critical'],
  ['Sev-3', 'warning'],
  ['P2', 'warning'],
  ['sev4', 'info'],
  ['constructor', undefined],
])('%s is %s', (name, severity) => {
  expect(severityNamed(name)).toBe(severity);
});

test("a team's own words come first, and the severities of Firebreak keep their names", () => {
  const { severities: own } = Config.parse({
    version: 'test',
    services: {},
    paging: {},
    routes: { severities: { P1: 'info' } },
  }).routes;
  expect(['P1', 'p2', 'critical'].map((name) => severityNamed(name, own))).toEqual(['info', 'warning', 'critical']);
});

test.each([
  ['critcal', 'SEV5, P4, P5), or a word of routes.yaml: degraded; did you mean "critical"?'],
  ['degradd', 'did you mean "warning"?'],
])('an unknown severity is refused with all severities, and the most similar one: %s', (name, text) => {
  const config = Config.parse({
    version: 'test',
    services: {},
    paging: {},
    routes: { severities: { degraded: 'warning' } },
  });
  expect(() => requireSeverity(config, name)).toThrow(
    expect.objectContaining({ status: 422, detail: expect.stringContaining(text) }),
  );
});

test.each(['P9', 'purple'])('a level that does not exist has no suggestion: %s', (name) => {
  const config = Config.parse({ version: 'test', services: {}, paging: {} });
  expect(() => requireSeverity(config, name)).toThrow(
    expect.objectContaining({ detail: expect.stringMatching(/P5\)$/) }),
  );
});
