import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { loadConfig } from '../../../local/config/config-files.ts';
import { SECRET_KEYS } from '../../../core/domain/runbooks/secret-names.ts';
import { localSecret } from '../../../local/state/secrets.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import { SecretName } from '../../../schemas/config/endpoint.ts';

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-config-'))));
afterEach(() => rm(dir, { recursive: true }));

const services = (text: string) => writeFile(join(dir, 'services.yaml'), text);

async function problems(): Promise<string[]> {
  const loaded = await loadConfig(dir);
  return loaded.ok ? [] : loaded.problems.map((problem) => problem.replace(`${dir}/`, ''));
}

test('without files, the configuration has its defaults, and nothing is automatic', async () => {
  const loaded = await loadConfig(dir);
  expect(loaded).toMatchObject({ ok: true, config: { services: {}, paging: { autoResolveHours: 12 } } });
});

test('a service needs only a name, and an environment without settings never acts', async () => {
  await services('services:\n  checkout:\n  search:\n    environments:\n      production:\n');
  const loaded = await loadConfig(dir);
  expect(loaded).toMatchObject({
    ok: true,
    config: {
      services: {
        checkout: { environments: {} },
        search: { environments: { production: { autoRollback: { mode: 'shadow', unknownMigration: 'approve' } } } },
      },
    },
  });
});

test('the version depends on the content', async () => {
  await services('services: { checkout: {} }');
  const [first, again] = [await loadConfig(dir), await loadConfig(dir)];
  await services('services: { checkout: { tier: 1 } }');
  const other = await loadConfig(dir);
  if (!first.ok || !again.ok || !other.ok) throw new Error('all of them are right');
  expect(again.config.version).toBe(first.config.version);
  expect(other.config.version).not.toBe(first.config.version);
});

describe('errors have file and line', () => {
  test('an unknown key', async () => {
    await services('services:\n  checkout:\n    tier: 1\n    teem: payments\n');
    expect(await problems()).toEqual(['services.yaml:4: services.checkout: unknown key "teem" (did you mean "team"?)']);
  });

  test('an unknown kind', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        deployer: { kind: htpp }\n        flags:\n          kind: x\n',
    );
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^services\.yaml:5: .*\.deployer\.kind: must be one of http, .* \(did you mean "http"\?\)$/,
      ),
      'services.yaml:7: services.checkout.environments.production.flags.kind: must be one of http, launchdarkly',
    ]);
  });

  test('an invalid name', async () => {
    await services('services: {}\n');
    await writeFile(join(dir, 'people.yaml'), 'people:\n  ada: {}\n  zoë: {}\n');
    expect(await problems()).toEqual([
      'people.yaml:3: people.zoë: must consist of lowercase letters, digits, ".", "_", and "-"',
    ]);
  });

  test('an unknown value', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        autoRollback:\n          mode: yolo\n',
    );
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^services\.yaml:6: services\.checkout\.environments\.production\.autoRollback\.mode: must be one of .*, act$/,
      ),
    ]);
  });

  test('the old value of the evidence, with the new ones', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        autoRollback:\n          evidence: any\n',
    );
    expect(await problems()).toEqual([
      expect.stringMatching(/^services\.yaml:6: .*autoRollback\.evidence: .*use "proved" .* or "time"/),
    ]);
  });

  test('a deployer of an unknown kind', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        deployer:\n          kind: ftp\n',
    );
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:[56]: services\.checkout\..*deployer/)]);
  });

  test('an invalid URL, nested in a union', async () => {
    await services(
      'services:\n  checkout:\n    environments:\n      production:\n        deployer:\n          kind: http\n          url: cd.internal\n',
    );
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:7: .*url: must be an http or https URL/)]);
  });

  test('a duplicate key', async () => {
    await services('services:\n  checkout: {}\n  checkout: {}\n');
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:3: .*unique/)]);
  });

  test('each of many repeated keys, without comparing every key with all others', async () => {
    const names = Array.from({ length: 20_000 }, (_, n) => `  service-${n}: {}\n`).join('');
    await services(`services:\n${names}  service-7: {}\n  service-8: {}\n`);
    expect(await problems()).toEqual([
      expect.stringMatching(/^services\.yaml:20002: .*unique/),
      expect.stringMatching(/^services\.yaml:20003: .*unique/),
    ]);
  });

  test('a file that is too large', async () => {
    await services(`services: {}\n#${'x'.repeat(4 * 1024 * 1024)}\n`);
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:1: .*the limit is 4194304/)]);
  });

  test('a tab where YAML allows none', async () => {
    await services('services:\n\tcheckout: {}\n');
    expect(await problems()).toEqual([expect.stringMatching(/^services\.yaml:2: .*[Tt]ab/)]);
  });

  test('all errors of all files are reported', async () => {
    await services('services:\n  checkout:\n    tier: 9\n    teem: x\n');
    await writeFile(join(dir, 'paging.yaml'), 'autoResolveHours: never\n');
    expect(await problems()).toEqual([
      expect.stringMatching(/^services\.yaml:3: services\.checkout\.tier/),
      'services.yaml:4: services.checkout: unknown key "teem" (did you mean "team"?)',
      expect.stringMatching(/^paging\.yaml:1: autoResolveHours/),
    ]);
  });
});

describe('routes.yaml', () => {
  const routes = (text: string) => writeFile(join(dir, 'routes.yaml'), text);

  test('is part of the configuration and of its version', async () => {
    const without = await loadConfig(dir);
    await routes('- match: { severity: warning }\n  slack: "#warnings"\n');
    const loaded = await loadConfig(dir);
    if (!loaded.ok || !without.ok) throw new Error('both of them are right');
    expect(without.config.routes).toMatchObject({ routes: [], maintenance: [] });
    expect(loaded.config.routes).toMatchObject({ routes: [{ slack: ['#warnings'] }], maintenance: [] });
    expect(loaded.config.version).not.toBe(without.config.version);
  });

  test.each([
    ['an unknown key', 'routes:\n  - page: true\n    chanel: x\n', /^routes\.yaml:3: routes\.0: unknown key "chanel"$/],
    [
      'an unknown key in a bare list',
      '- page: true\n- page: true\n  chanel: x\n',
      /^routes\.yaml:3: 1: unknown key "chanel"$/,
    ],
    [
      'an unknown time zone',
      'routes:\n  - hours: 09:00-17:00 UTC\n  - page: true\n    hours: Mon-Fri 09:00-17:00 Europe/Berln\n',
      /^routes\.yaml:4: routes\.1\.hours\.timeZone: unknown time zone "Europe\/Berln"/,
    ],
    [
      'an unknown time zone in a list of hours',
      '- page: true\n  hours:\n    - Mon 09:00-17:00\n    - { from: "09:00", to: "17:00",\n        timeZone: Mars }\n',
      /^routes\.yaml:5: 0\.hours\.1\.timeZone: unknown time zone "Mars"/,
    ],
    [
      'an invalid matcher',
      'routes:\n  - match:\n      - severity="warning"\n      - team=~"pay(.*"\n',
      /^routes\.yaml:4: routes\.0\.match\.1: .*invalid regular expression pay\(\.\*: missing "\)"/,
    ],
    [
      'a value of another type',
      'routes:\n  - slack: 7\n',
      /^routes\.yaml:2: routes\.0\.slack: must be false or true or text or an object \(key: value\) or a list$/,
    ],
    ['an invalid page', 'routes:\n  - page: maybe\n', /^routes\.yaml:2: routes\.0\.page: must be true or false$/],
    [
      'a window without an end',
      'maintenance:\n  - name: upgrade\n    match: { service: checkout }\n    from: 2026-12-05T22:00Z\n',
      /^routes\.yaml:2: maintenance\.0: "until" is missing/,
    ],
    [
      'an invalid rule',
      'maintenance:\n  - name: reboot\n    match: {}\n    start: 2026-01-03T02:00Z\n    duration: 2h\n    rrule: FREQ=NOW\n',
      /^routes\.yaml:6: maintenance\.0\.rrule: invalid value "NOW" of FREQ/,
    ],
  ])('%s is reported with its line', async (_, text, problem) => {
    await routes(text);
    expect(await problems()).toEqual([expect.stringMatching(problem)]);
  });

  test('all its errors are reported', async () => {
    await routes('- page: maybe\n- slak: x\n  ticket: { webhook: { url: tickets } }\n');
    expect(await problems()).toEqual([
      expect.stringMatching(/^routes\.yaml:1: 0\.page/),
      expect.stringMatching(/^routes\.yaml:3: 1\.ticket\.webhook\.url: must be an http or https URL/),
      expect.stringMatching(/^routes\.yaml:2: 1: unknown key "slak"/),
    ]);
  });
});

test('the paging mode has two names', async () => {
  await writeFile(join(dir, 'paging.yaml'), 'paging: external\n');
  expect(await loadConfig(dir)).toMatchObject({ ok: true, config: { paging: { mode: 'external' } } });
  await writeFile(join(dir, 'paging.yaml'), 'autoResolveHours: 4\npaging: nobody\n');
  expect(await problems()).toEqual([
    expect.stringMatching(/^paging\.yaml:2: paging: must be one of firebreak, external$/),
  ]);
});

test('functions can read the secrets that a ticket target names', async () => {
  await writeFile(join(dir, 'routes.yaml'), '- ticket: { webhook: { url: "https://x.test", signature: HOOK_KEY } }\n');
  const loaded = await loadConfig(dir);
  const env = { HOOK_KEY: 'whsec_x', OTHER_KEY: 'y' };
  const config = loaded.ok ? { ...emptyConfig, ...loaded.config } : undefined;
  expect(['HOOK_KEY', 'OTHER_KEY'].map((name) => localSecret(name, env, config))).toEqual(['whsec_x', undefined]);
});

test('functions can read the secrets that a traffic route names', async () => {
  const route = '{ kind: http, url: "https://x.test", auth: { bearer: ROUTE_KEY }, targets: { a: {}, b: {} } }';
  await writeFile(
    join(dir, 'services.yaml'),
    `services: { shop: { environments: { production: { reroute: { regions: ${route} } } } } }\n`,
  );
  const loaded = await loadConfig(dir);
  if (!loaded.ok) throw new Error('the configuration is invalid');
  expect(localSecret('ROUTE_KEY', { ROUTE_KEY: 'x' }, { ...emptyConfig, ...loaded.config })).toBe('x');
});

describe('functions can read the secrets that are named', () => {
  test.each([
    ['response.yaml', 'auditStream: { url: "https://siem.test", signature: NAMED }\n'],
    ['routes.yaml', 'unmatched: { ticket: { webhook: { url: "https://x.test", signature: NAMED } } }\n'],
    ['delivery.yaml', 'registries: [{ host: ghcr.io, username: bot, password: NAMED }]\n'],
    ['paging.yaml', 'fallback: { url: "https://x.test", signature: NAMED }\n'],
  ])('in %s', async (file, content) => {
    await writeFile(join(dir, file), content);
    const loaded = await loadConfig(dir);
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    expect(localSecret('NAMED', { NAMED: 'x' }, { ...emptyConfig, ...loaded.config })).toBe('x');
  });

  test('under every key that has the name of a secret', () => {
    const pattern = SecretName.def.checks?.map((check) => String((check._zod.def as { pattern?: RegExp }).pattern))[0];
    const keys = new Set<string>();
    const collect = (schema: unknown, key: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      if ('pattern' in schema && `/${String(schema.pattern)}/` === pattern) keys.add(key);
      for (const [name, part] of Object.entries(schema)) {
        if (name !== 'properties') collect(part, key);
        else for (const [property, of] of Object.entries(part as object)) collect(of, property);
      }
    };
    collect(z.toJSONSchema(Config, { io: 'input', unrepresentable: 'any' }), '');
    expect([...keys].toSorted()).toEqual([...SECRET_KEYS].toSorted());
  });
});
