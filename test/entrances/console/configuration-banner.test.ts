import { expect, test } from 'vitest';
import { consoleWorld } from '../../support/console-world.ts';
import { hostile, textOf } from '../../support/hostile.ts';

/* The banners of a configuration that is not in force, and of the kill switch. */

const PATHS = ['/console', '/console/incidents', '/console/services', '/console/find'];

function brokenWorld(problems: string[]) {
  const site = consoleWorld((world) => ({
    config: { current: async () => world.config, problems: async () => problems },
  }));
  return {
    problems,
    /** Returns the text of the banner, or null. */
    async banner(path: string, token: string) {
      const page = await (await site.get(path, { token })).text();
      const [banner] = /<div class="notice error" role="alert" id="configuration"[^]*?<\/div>/.exec(page) ?? [];
      return banner === undefined ? null : textOf(banner).replace(/\s+/g, ' ').trim();
    },
    live: async (path: string, token: string) =>
      (await site.get(path, { token, headers: { accept: 'text/event-stream' } })).text(),
  };
}

const BROKEN = ['config/services.yaml:12: unknown key "deployerr"'];

test.each(PATHS)('%s names the file, until it is repaired', async (path) => {
  const { problems, banner, live } = brokenWorld([...BROKEN]);
  expect(await banner(path, 'ada')).toBe(
    `The configuration is invalid. The last valid one stays active. ${BROKEN[0]} Settings`,
  );
  expect(await live(path, 'ada')).toContain('id="configuration"');
  problems.length = 0;
  expect(await banner(path, 'ada')).toBeNull();
  expect(await live(path, 'ada')).not.toContain('id="configuration"');
});

test('it is hidden from those who may not read the health of all services', async () => {
  const { banner } = brokenWorld(BROKEN);
  expect(await banner('/console', 'cora')).toBeNull();
});

test('warnings are none, and of many errors it names the first', async () => {
  expect(await brokenWorld(['config/freeze.yaml:7: warning: never applies']).banner('/console', 'ada')).toBeNull();
  const many = Array.from({ length: 5 }, (_, n) => `config/slos/s${n}.yaml:1: ${hostile('key')}`);
  const shown = await brokenWorld(many).banner('/console', 'ada');
  expect(shown).toContain('config/slos/s2.yaml:1');
  expect(shown).not.toContain('config/slos/s3.yaml:1');
  expect(shown).toContain('All 5 errors');
});

test('every page says that the kill switch is on, and the two that show it anyway say it once', async () => {
  let isReadable = true;
  const { get, world } = consoleWorld(({ deps: { automation } }) => ({
    automation: {
      ...automation,
      read: () => (isReadable ? automation.read() : Promise.reject(new Error('the table did not answer'))),
    },
  }));
  const banner = async (path: string): Promise<string> => {
    const [shown = ''] =
      /<div[^>]* id="kill-switch"[^]*?<\/div>/.exec(await (await get(path, { token: 'ada' })).text()) ?? [];
    return textOf(shown).trim();
  };
  expect(await banner('/console/incidents')).toBe('');
  await world.deps.automation.write({ paused: true, reason: hostile('moving') }, 'person:ada');
  for (const path of ['/console/incidents', '/console/services', '/console/find'])
    expect(await banner(path)).toMatch(
      /^The kill switch is on, set by person:ada: moving .*Nothing is rolled back, and an approval has no effect\.$/s,
    );
  for (const path of ['/console', '/console/automation']) expect(await banner(path)).toBe('');
  isReadable = false;
  expect(await banner('/console/incidents')).toBe('Whether the kill switch is on could not be read.');
});
