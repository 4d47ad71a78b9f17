import * as z from 'zod';
import { type Client, clientOf } from './harness/client.ts';
import type { Product } from './harness/product.ts';

const CreatedToken = z.object({ token: z.string() });

/** Returns a freeze-check client with a token that has only this permission, as a CI system has. */
export async function ciClient(product: Product): Promise<Client> {
  const { token } = CreatedToken.parse(
    await product.request('POST', '/v1/tokens', { name: 'ci', actions: ['freezes:check'] }),
  );
  return clientOf(product.url, { authorization: `Bearer ${token}` });
}

/** Returns the path of a freeze check. The deployment is always the same, so a repeated version is a repeated check. */
export const checkPath = (service: string, version: string): string =>
  `/v1/freeze-check?service=${service}&environment=production&version=${version}&deployment_id=run-of-${version}`;
