import { expect, test } from 'vitest';
import type { Product } from '../../functions/assembly/product.ts';
import type { SlackParts } from '../../functions/assembly/slack-deps.ts';
import { appsOf } from '../../local/programs.ts';
import { silent } from '../support/fake-deps.ts';

test('what answers Slack is loaded again after the first load failed', async () => {
  let loads = 0;
  const parts = {
    get platform() {
      loads += 1;
      if (loads === 1) throw new Error('too many open files');
      return {};
    },
    log: silent,
  };
  const { appsByPrefix } = appsOf({} as Product, parts as unknown as SlackParts);
  const asked = async () =>
    appsByPrefix['/integrations/slack/']?.fetch(new Request('http://localhost/integrations/slack/commands'), {
      requestContext: { http: { sourceIp: '127.0.0.1' } },
    });
  await expect(asked()).rejects.toThrow('too many open files');
  expect((await asked())?.status).toBe(405);
});
