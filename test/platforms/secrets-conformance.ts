import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectedName, LINK_KEY } from '../../functions/assembly/secret-groups.ts';
import type { Secrets } from '../../platforms/secrets.ts';

export type OpenSecrets = {
  secrets: Secrets;
  /** What an operator sets, by name. The names `CD_TOKEN_0` to `CD_TOKEN_24` are those that a configuration names. */
  set: Record<string, string>;
  pass(seconds: number): void;
  close(): Promise<void>;
};

/** Tests what every platform must do as `Secrets` describes it. */
export function secretsConformance(platform: string, open: () => Promise<OpenSecrets>): void {
  describe(`secrets: ${platform}`, () => {
    let opened: OpenSecrets;
    beforeAll(async () => void (opened = await open()));
    afterAll(() => opened.close());

    /** Changes secrets, and waits until the change is seen. */
    const change = (values: Record<string, string>) => {
      Object.assign(opened.set, values);
      opened.pass(60);
    };
    const get = (name: string) => opened.secrets.get(name);

    test('a secret has the value that is set, and one that is not set has none', async () => {
      change({ SLACK_BOT_TOKEN: 'xoxb-1', PROMETHEUS_URL: 'https://p.test' });
      expect(await get('SLACK_BOT_TOKEN')).toBe('xoxb-1');
      expect(await get('PROMETHEUS_URL')).toBe('https://p.test');
      expect(await get('SLACK_SIGNING_SECRET')).toBeUndefined();
      expect(await get('GITHUB_TOKEN')).toBeUndefined();
    });

    test('a changed one is seen within a minute, and a removed one is gone', async () => {
      change({ ARGOCD_TOKEN: 'old' });
      expect(await get('ARGOCD_TOKEN')).toBe('old');
      change({ ARGOCD_TOKEN: 'new' });
      expect(await get('ARGOCD_TOKEN')).toBe('new');
      delete opened.set['ARGOCD_TOKEN'];
      change({});
      expect(await get('ARGOCD_TOKEN')).toBeUndefined();
    });

    test('many that a configuration names are read at the same time', async () => {
      const names = Array.from({ length: 25 }, (_, n) => `CD_TOKEN_${n}`);
      const { CD_TOKEN_7: _, ...values } = Object.fromEntries(names.map((name) => [name, `token of ${name}`]));
      change(values);
      expect(await Promise.all(names.map(get))).toEqual(names.map((name) => values[name]));
    });

    test('two quotation marks are an empty value', async () => {
      change({ GRAFANA_TIMESTAMP_HEADER: '""', CD_TOKEN_1: '""' });
      expect(await get('GRAFANA_TIMESTAMP_HEADER')).toBe('');
      expect(await get('CD_TOKEN_1')).toBe('');
    });

    test('a target is connected when all of its credentials are set', async () => {
      change({ GRAFANA_TOKEN: 'glsa_1', GRAFANA_URL: '' });
      expect(await get(connectedName('grafana'))).toBeUndefined();
      change({ GRAFANA_URL: 'https://g.test' });
      expect(await get(connectedName('grafana'))).toBe('yes');
    });

    test('the key of approval links follows from the admin token', async () => {
      expect(await get(LINK_KEY)).toBeUndefined();
      change({ FIREBREAK_ADMIN_TOKEN: 'a'.repeat(32) });
      expect(await get(LINK_KEY)).toMatch(/^[\w+/]{43}=$/);
      const before = await get(LINK_KEY);
      change({ FIREBREAK_ADMIN_TOKEN: 'b'.repeat(32) });
      expect(await get(LINK_KEY)).not.toBe(before);
    });
  });
}
