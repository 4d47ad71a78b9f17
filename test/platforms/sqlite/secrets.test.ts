import { expect, test } from 'vitest';
import { localSecret } from '../../../local/state/secrets.ts';
import { environmentSecrets } from '../../../platforms/sqlite/platform.ts';
import { type Config, emptyConfig } from '../../../schemas/config/config.ts';
import { secretsConformance } from '../secrets-conformance.ts';

/** A configuration whose webhooks name these secrets. */
const naming = (...names: string[]): Config =>
  ({
    ...emptyConfig,
    response: { ...emptyConfig.response, webhooks: names.map((signature) => ({ signature })) },
  }) as unknown as Config;

secretsConformance('environment', async () => {
  const set: Record<string, string> = {};
  const config = naming(...Array.from({ length: 25 }, (_, n) => `CD_TOKEN_${n}`));
  return {
    secrets: environmentSecrets((name) => localSecret(name, set, config)),
    set,
    pass: () => undefined,
    close: async () => undefined,
  };
});

test('other variables of the environment are no secrets, unless the configuration in force names them', async () => {
  let config: Config | undefined;
  const env = { HOME: '/root', HOOK_KEY: 'whsec_x' };
  const secrets = environmentSecrets((name) => localSecret(name, env, config));
  const both = async () => [await secrets.get('HOME'), await secrets.get('HOOK_KEY')];
  expect(await both()).toEqual([undefined, undefined]);
  config = naming('HOOK_KEY');
  expect(await both()).toEqual([undefined, 'whsec_x']);
  config = emptyConfig;
  expect(await both()).toEqual([undefined, undefined]);
});
