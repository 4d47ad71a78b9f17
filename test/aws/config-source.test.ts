import { describe, expect, test } from 'vitest';
import { CONFIG_KEY, publishedConfig } from '../../aws/config-source.ts';
import type { Blobs } from '../../domain/ports/index.ts';
import { silent } from '../support/fake-deps.ts';

/** A store whose one text a test sets, and which counts how often it is read. */
function store() {
  const state = { text: undefined as string | undefined, reads: 0, broken: false };
  const blobs: Blobs = {
    put: async () => undefined,
    get: async (key) => {
      expect(key).toBe(CONFIG_KEY);
      state.reads += 1;
      if (state.broken) throw new Error('no answer');
      return state.text === undefined ? undefined : Buffer.from(state.text);
    },
  };
  return { state, blobs };
}

const published = (version: string): string =>
  JSON.stringify({ config: { version, services: {}, paging: {} }, problems: [] });

function source() {
  const { state, blobs } = store();
  let now = 0;
  return { state, config: publishedConfig(blobs, silent, () => now), later: () => (now += 10_000) };
}

describe('the configuration in force', () => {
  test('is read again after a while, and is the same object as long as nothing changes', async () => {
    const { state, config, later } = source();
    state.text = published('a');
    const first = await config.current();
    expect(await config.current()).toBe(first);
    expect(state.reads).toBe(1);
    later();
    expect(await config.current()).toBe(first);
    expect(state.reads).toBe(2);
    state.text = published('b');
    later();
    expect((await config.current()).version).toBe('b');
  });

  test('is read once for all who ask at the same time', async () => {
    const { state, config } = source();
    state.text = published('a');
    const all = await Promise.all(Array.from({ length: 20 }, () => config.current()));
    expect(new Set(all).size).toBe(1);
    expect(state.reads).toBe(1);
  });

  test.each([
    ['cannot be read', (state: { broken: boolean }) => (state.broken = true)],
    ['is none', (state: { text: string | undefined }) => (state.text = '{"config": 7}')],
  ])('stays what it was when the newest %s', async (_, harm) => {
    const { state, config, later } = source();
    state.text = published('a');
    await config.current();
    harm(state);
    later();
    expect((await config.current()).version).toBe('a');
    state.broken = false;
    state.text = published('b');
    later();
    expect((await config.current()).version).toBe('b');
  });

  test('stays what it was when it is gone, which is a problem until it is there again', async () => {
    const { state, config, later } = source();
    state.text = published('a');
    const before = await config.current();
    state.text = undefined;
    for (const _ of [1, 2]) {
      later();
      expect(await config.current()).toBe(before);
      expect(await config.problems()).toEqual([expect.stringContaining('was not found')]);
    }
    state.text = published('a');
    later();
    expect((await config.current()).version).toBe('a');
    expect(await config.problems()).toEqual([]);
  });

  test('is an error where none could ever be read, until one can', async () => {
    const { state, config } = source();
    state.broken = true;
    await expect(config.current()).rejects.toThrow('cannot read the configuration');
    state.broken = false;
    expect((await config.current()).version).toBe('none');
  });

  test('leaves out what only a newer version knows, at every depth, and warns of it', async () => {
    const { state, config } = source();
    const newer = { of_a_newer_version: { some: 'thing' } };
    const production = { deployer: { kind: 'http', ...newer }, autoRollback: { mode: 'act', ...newer }, ...newer };
    const services = { shop: { team: 'web', environments: { production }, ...newer } };
    state.text = JSON.stringify({
      config: { version: 'a', services, paging: {}, ...newer },
      problems: ['one'],
      ...newer,
    });
    const { services: read } = await config.current();
    expect(read).toMatchObject({
      shop: {
        team: 'web',
        environments: { production: { deployer: { kind: 'http' }, autoRollback: { mode: 'act' } } },
      },
    });
    expect(JSON.stringify(read)).not.toContain('newer');
    expect((await config.problems()).toSorted()).toEqual(
      [
        'config/current.json: warning: this version ignores the unknown key config.of_a_newer_version',
        ...[
          '',
          '.environments.production',
          '.environments.production.autoRollback',
          '.environments.production.deployer',
        ].map(
          (at) =>
            `config/current.json: warning: this version ignores the unknown key config.services.shop${at}.of_a_newer_version`,
        ),
        'one',
      ].toSorted(),
    );
  });

  test('refuses a value that it does not know, beside keys that it does not', async () => {
    const { state, config } = source();
    const services = { shop: { environments: { production: { autoRollback: { mode: 'perhaps' } } }, newer: true } };
    state.text = JSON.stringify({ config: { version: 'a', services, paging: {} }, problems: [] });
    await expect(config.current()).rejects.toThrow('cannot read the configuration');
  });
});
