import * as z from 'zod';
import { type Client, clientOf } from './client.ts';
import type { Product } from './product.ts';

const Made = z.object({ token: z.string() });

/** Asks the freeze check as a CI system does: with a token that may do nothing else. */
export async function ciClient(product: Product): Promise<Client> {
  const { token } = Made.parse(await product.request('POST', '/v1/tokens', { name: 'ci', actions: ['freezes:check'] }));
  return clientOf(product.url, { authorization: `Bearer ${token}` });
}

/** May this version be deployed? Always by the same deployment, so that the same version is the same question. */
export const checkPath = (service: string, version: string): string =>
  `/v1/freeze-check?service=${service}&environment=production&version=${version}&deployment_id=run-of-${version}`;
