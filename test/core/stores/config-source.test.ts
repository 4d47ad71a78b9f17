import { describe, expect, test } from 'vitest';
import { CONFIG_KEY, publishedConfig } from '../../../core/stores/config/config-source.ts';
import type { Blobs } from '../../../core/domain/ports/system.ts';
import { silent } from '../../support/fake-deps.ts';

/** A store with one text, which a test sets and whose reads are counted. */
function store() {
  const state = { text: undefined as string | undefined, reads: 0, broken: false };
  const blobs: Blobs = {
    put: async () => undefined,
    putNew: async () => true,
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
  test('is read again after a while, and stays the same object until it changes', async () => {
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

  test('is read once for concurrent callers', async () => {
    const { state, config } = source();
    state.text = published('a');
    const all = await Promise.all(Array.from({ length: 20 }, () => config.current()));
    expect(new Set(all).size).toBe(1);
    expect(state.reads).toBe(1);
  });

  test('is read anew on request, also while an earlier read has not ended', async () => {
    const { state, config, later } = source();
    state.text = published('a');
    await config.current();
    state.text = published('b');
    expect((await config.current()).version).toBe('a');
    later();
    const earlier = config.current();
    state.text = published('c');
    const all = await Promise.all([earlier, config.current('anew'), config.current('anew')]);
    expect(all.map(({ version }) => version)).toEqual(['b', 'c', 'c']);
    expect((await config.current()).version).toBe('c');
    expect(state.reads).toBe(3);
  });

  test.each([
    ['cannot be read', (state: { broken: boolean }) => (state.broken = true)],
    ['is invalid', (state: { text: string | undefined }) => (state.text = '{"config": 7}')],
  ])('stays in force when the newest one %s', async (_, harm) => {
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

  test('stays in force when it is gone, with a problem until it is back', async () => {
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

  test('is an error until one can be read', async () => {
    const { state, config } = source();
    state.broken = true;
    await expect(config.current()).rejects.toThrow('cannot read the configuration');
    state.broken = false;
    expect((await config.current()).version).toBe('none');
  });

  test('ignores unknown keys of a newer version at every depth, and warns about them', async () => {
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

  test('with an unknown value beside unknown keys is refused', async () => {
    const { state, config } = source();
    const services = { shop: { environments: { production: { autoRollback: { mode: 'perhaps' } } }, newer: true } };
    state.text = JSON.stringify({ config: { version: 'a', services, paging: {} }, problems: [] });
    await expect(config.current()).rejects.toThrow('cannot read the configuration');
  });
});
