import { expect, test } from 'vitest';
import { inputsFor } from '../../actions/inputs.ts';
import { emptyConfig } from '../../../../schemas/config/config.ts';
import { CheckRequest } from '../../schemas/freeze-check.ts';

test('the check fails without a published configuration, because freezes are unknown', async () => {
  const deps = { config: { current: async () => emptyConfig } } as unknown as Parameters<typeof inputsFor>[0];
  const request = CheckRequest.parse({ service: 'checkout', environment: 'production' });
  await expect(inputsFor(deps, { request, identityToken: null })).rejects.toMatchObject({
    status: 503,
    detail: expect.stringContaining('no configuration is published'),
  });
});
