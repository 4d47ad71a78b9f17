import * as z from 'zod';
import type { Product } from './harness/product.ts';
import { type Prepared, prepared } from './harness/wire.ts';

const CreatedToken = z.object({ token: z.string() });

/** Returns what builds freeze checks with a token that has only this permission, as a CI system has. */
export async function checksFor(product: Product): Promise<(service: string, version: string) => Prepared> {
  const { token } = CreatedToken.parse(
    await product.request('POST', '/v1/tokens', { name: 'ci', actions: ['freezes:check'] }),
  );
  const headers = { authorization: `Bearer ${token}` };
  return (service, version) => prepared('GET', checkPath(service, version), headers);
}

/** Returns the path of a freeze check. The deployment is always the same, so a repeated version is a repeated check. */
const checkPath = (service: string, version: string): string =>
  `/v1/freeze-check?service=${service}&environment=production&version=${version}&deployment_id=run-of-${version}`;
