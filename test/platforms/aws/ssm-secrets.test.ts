import { SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ALL_GRANTS, type Grant, parametersFor } from '../../../functions/assembly/secret-groups.ts';
import { placesOf } from '../../../functions/assembly/secrets-of.ts';
import type { Log } from '../../../core/domain/ports/system.ts';
import { sealedCopy } from '../../../platforms/aws/secrets-copy.ts';
import { ssmSecrets, type SsmSecretsOptions } from '../../../platforms/aws/ssm-secrets.ts';
import type { Blobs } from '../../../platforms/blobs.ts';
import { SecretsUnreadable } from '../../../platforms/secrets.ts';
import { silent } from '../../support/fake-deps.ts';
import { eventually } from '../../support/firebreak.ts';
import { clientOptions, type Endpoint } from '../../support/aws/server.ts';
import { startSsm } from '../../support/aws/ssm.ts';
import { faultProxy } from '../../support/fault-proxy.ts';
import { secretsConformance } from '../secrets-conformance.ts';

const PATH = '/firebreak/test';
const KEY = Buffer.alloc(32, 1).toString('base64');

/** Secrets that are set, by name. */
const secrets: Record<string, string> = {};
let now = 0;
let reads = 0;
let decrypted = 0;

let endpoint: Endpoint;
let ssm: SSMClient;

const ssmClient = (url: string): SSMClient => new SSMClient({ ...clientOptions(url), maxAttempts: 1 });

/** The parameters of a deployment with these secrets, and of another one. */
const parametersWith = (set: Readonly<Record<string, string>>): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(parametersFor(set)).map(([name, value]) => [`${PATH}/${name}`, value])),
  '/firebreak/other/github': '{"GITHUB_TOKEN":"ghp_1"}',
});

beforeAll(async () => {
  endpoint = await startSsm(
    () => {
      reads += 1;
      return parametersWith(secrets);
    },
    () => (decrypted += 1),
  );
  ssm = ssmClient(endpoint.url);
});
afterAll(async () => {
  ssm.destroy();
  await endpoint.close();
});

secretsConformance('SSM', async () => {
  const set: Record<string, string> = {};
  const own = await startSsm(() => parametersWith(set));
  const client = ssmClient(own.url);
  return {
    secrets: started({ client }),
    set,
    pass: (seconds) => (now += seconds * 1000),
    close: async () => {
      client.destroy();
      await own.close();
    },
  };
});

function memoryBlobs(): Blobs & { kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    put: async (key, body) => void kept.set(key, Buffer.from(body)),
    putNew: async () => true,
    get: async (key) => kept.get(key),
  };
}

/** Secrets of a process that has just started. */
function started(more: Partial<SsmSecretsOptions> & { grants?: readonly Grant[]; blobs?: Blobs; key?: string } = {}) {
  const { grants = ALL_GRANTS, blobs = memoryBlobs(), key = KEY, ...options } = more;
  return ssmSecrets({
    client: ssm,
    path: PATH,
    ...placesOf(grants),
    copy: sealedCopy(blobs, 'secrets/test', key),
    log: silent,
    now: () => now,
    random: () => 0,
    ...options,
  });
}

/** A client of an SSM that throttles every call until it is healed. */
async function throttled() {
  const proxy = await faultProxy({ upstream: endpoint.url, service: 'ssm', seed: 1, rates: { throttled: 1 } });
  const client = ssmClient(proxy.url);
  onTestFinished(async () => {
    client.destroy();
    await proxy.close();
  });
  return { client, proxy };
}

describe('a secret that has not changed', () => {
  const MINUTE_MS = 60_000;

  test('is not decrypted again, which costs a request to KMS for each parameter', async () => {
    secrets['SLACK_BOT_TOKEN'] = 'xoxb-1';
    const own = started({ grants: ['slack', 'connected'] });
    expect(await own.get('SLACK_BOT_TOKEN')).toBe('xoxb-1');
    [decrypted, reads] = [0, 0];
    for (let minute = 0; minute < 10; minute += 1) {
      now += MINUTE_MS;
      expect(await own.get('SLACK_BOT_TOKEN')).toBe('xoxb-1');
    }
    expect({ decrypted, reads }).toEqual({ decrypted: 0, reads: 10 });
  });

  test('is read again when it changes, is removed, or is created again with the same version', async () => {
    secrets['SLACK_BOT_TOKEN'] = 'xoxb-1';
    const own = started({ grants: ['slack', 'connected'] });
    for (const value of ['xoxb-1', 'xoxb-2', undefined, 'xoxb-3']) {
      if (value === undefined) delete secrets['SLACK_BOT_TOKEN'];
      else secrets['SLACK_BOT_TOKEN'] = value;
      now += MINUTE_MS;
      expect(await own.get('SLACK_BOT_TOKEN')).toBe(value);
    }
  });
});

describe('a secret', () => {
  test('has its name below the path, and no other path', async () => {
    secrets['SLACK_BOT_TOKEN'] = 'xoxb-1';
    expect(await started().get('SLACK_BOT_TOKEN')).toBe('xoxb-1');
    expect(await started().get('GITHUB_TOKEN')).toBeUndefined();
  });

  test('is read with all others of the function in one call, which concurrent callers share', async () => {
    Object.assign(secrets, { PAGERDUTY_ROUTING_KEY: 'r', PROMETHEUS_URL: 'https://p.test' });
    const own = started({ grants: ['pagerduty', 'observability', 'slack', 'connected'] });
    reads = 0;
    expect(
      await Promise.all(
        ['PAGERDUTY_ROUTING_KEY', 'PROMETHEUS_URL', 'CONNECTED_SLACK', 'CONNECTED_GRAFANA'].map((name) =>
          own.get(name),
        ),
      ),
    ).toEqual(['r', 'https://p.test', 'yes', undefined]);
    expect(reads).toBe(1);
  });

  test('can have a name that a configuration chose, in any number', async () => {
    for (let i = 0; i < 25; i += 1) secrets[`CD_TOKEN_${i}`] = `token ${i}`;
    const own = started();
    const names = Array.from({ length: 25 }, (_, i) => `CD_TOKEN_${i}`);
    expect(await Promise.all(names.map((name) => own.get(name)))).toEqual(names.map((_, i) => `token ${i}`));
    expect(await own.get('CD_TOKEN_UNSET')).toBeUndefined();
  });

  test('that is rotated is seen within a minute', async () => {
    const kept = started();
    secrets['ARGOCD_TOKEN'] = 'old';
    expect(await kept.get('ARGOCD_TOKEN')).toBe('old');
    secrets['ARGOCD_TOKEN'] = 'new';
    now += 60_000;
    expect(await kept.get('ARGOCD_TOKEN')).toBe('new');
  });

  test.each([
    [1, 0, 30_000],
    [1, 1, 22_500],
    [10, 0, 3000],
    [1000, 0, 1000],
  ])('with a time scale of %i and jitter %d, a new one is seen after %i ms', async (...given) => {
    const [timeScale, random, millis] = given;
    const kept = started({ timeScale, random: () => random });
    delete secrets['GRAFANA_TOKEN'];
    expect(await kept.get('GRAFANA_TOKEN')).toBeUndefined();
    secrets['GRAFANA_TOKEN'] = 'new';
    now += millis - 1;
    expect(await kept.get('GRAFANA_TOKEN')).toBeUndefined();
    now += 1;
    expect(await kept.get('GRAFANA_TOKEN')).toBe('new');
  });

  test('is empty if its value is two quotation marks, which a deployment can set', async () => {
    secrets['GRAFANA_TIMESTAMP_HEADER'] = '""';
    expect(await started().get('GRAFANA_TIMESTAMP_HEADER')).toBe('');
  });

  test.each([
    ['SLACK_BOT_TOKEN', ['observability']],
    ['A_NAME_OF_A_RUNBOOK', ['observability', 'slack']],
  ] as const)('is refused to a function without a grant: %s', async (name, grants) => {
    await expect(started({ grants }).get(name)).rejects.toThrow(SecretsUnreadable);
  });
});

describe('while SSM throttles', () => {
  test('a process uses the last values, and asks again some seconds later', async () => {
    const { client, proxy } = await throttled();
    const warnings: string[] = [];
    const log: Log = { ...silent, warn: (message) => void warnings.push(message) };
    secrets['ALERTMANAGER_URL'] = 'https://old.test';
    proxy.heal();
    const own = started({ client, log });
    expect(await own.get('ALERTMANAGER_URL')).toBe('https://old.test');

    const unhealthy = await throttled();
    const send = client.send.bind(client);
    vi.spyOn(client, 'send').mockImplementation(unhealthy.client.send.bind(unhealthy.client) as never);
    now += 30_000;
    secrets['ALERTMANAGER_URL'] = 'https://new.test';
    expect(await own.get('ALERTMANAGER_URL')).toBe('https://old.test');
    expect(await own.get('ALERTMANAGER_URL')).toBe('https://old.test');
    expect(unhealthy.proxy.log).toHaveLength(1);
    expect(warnings).toEqual(['cannot read secrets; the last known values stay in use']);

    vi.mocked(client.send).mockImplementation(send as never);
    now += 5000;
    expect(await own.get('ALERTMANAGER_URL')).toBe('https://new.test');
  });

  test('a starting process uses the copy of an earlier one, including names that a configuration chose', async () => {
    const { client } = await throttled();
    const blobs = memoryBlobs();
    Object.assign(secrets, { PAGERDUTY_ROUTING_KEY: 'key 1', PAGE_SECRET: 'whsec 1' });
    const before = started({ blobs });
    await before.get('PAGERDUTY_ROUTING_KEY');
    await before.get('PAGE_SECRET');
    await eventually(async () => {
      const cold = started({ client, blobs });
      expect(await cold.get('PAGERDUTY_ROUTING_KEY')).toBe('key 1');
      expect(await cold.get('PAGE_SECRET')).toBe('whsec 1');
      await expect(cold.get('NEVER_READ')).rejects.toThrow(SecretsUnreadable);
      return true;
    }, 'a copy with both secrets');
  });

  test('without a copy, it reports the error, and does not ask again for each secret', async () => {
    const { client, proxy } = await throttled();
    const cold = started({ client });
    await expect(cold.get('PAGERDUTY_ROUTING_KEY')).rejects.toThrow(SecretsUnreadable);
    await expect(cold.get('SLACK_BOT_TOKEN')).rejects.toThrow(SecretsUnreadable);
    expect(proxy.log).toHaveLength(1);
    proxy.heal();
    now += 1000;
    secrets['SLACK_BOT_TOKEN'] = 'xoxb-2';
    expect(await cold.get('SLACK_BOT_TOKEN')).toBe('xoxb-2');
  });

  test('with an unreadable copy, it neither hangs nor invents values', async () => {
    const { client } = await throttled();
    const blobs: Blobs = { ...memoryBlobs(), get: () => Promise.reject(new Error('SlowDown')) };
    await expect(started({ client, blobs }).get('SLACK_BOT_TOKEN')).rejects.toThrow(SecretsUnreadable);
  });
});

describe('the copy', () => {
  test('reveals no secret, and opens only with its own key and name', async () => {
    const blobs = memoryBlobs();
    secrets['PAGERDUTY_ROUTING_KEY'] = 'a-routing-key-that-nobody-may-see';
    await started({ blobs }).get('PAGERDUTY_ROUTING_KEY');
    await expect.poll(() => blobs.kept.size).toBe(1);
    const [name, sealed] = [...blobs.kept][0] ?? ['', undefined];
    expect(Buffer.from(sealed ?? '').toString('latin1')).not.toContain('a-routing-key');

    const copy = sealedCopy(blobs, 'secrets/test', KEY);
    expect((await copy.read())?.get('pagerduty')).toContain('a-routing-key');
    const other = Buffer.alloc(32, 2).toString('base64');
    expect(await sealedCopy(blobs, 'secrets/test', other).read()).toBeUndefined();

    const changed = Buffer.from(sealed ?? '');
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    await blobs.put(name, changed, '');
    await expect(copy.read()).rejects.toThrow();
  });

  test('is renewed when a secret is rotated, and only then', async () => {
    const blobs = memoryBlobs();
    const put = vi.spyOn(blobs, 'put');
    secrets['CD_URL'] = 'https://one.test';
    await started({ blobs }).get('CD_URL');
    await expect.poll(() => put.mock.calls.length).toBe(1);
    const own = started({ blobs });
    await own.get('CD_URL');
    secrets['CD_URL'] = 'https://two.test';
    now += 30_000;
    await own.get('CD_URL');
    await expect.poll(() => put.mock.calls.length).toBe(2);
  });
});
