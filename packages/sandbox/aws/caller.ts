import { AwsRefusal } from './refusal.ts';

/** The account that owns all resources. */
export const AWS_ACCOUNT = '123456789012';

/** The caller, as stated in the scope of the signature. */
export type AwsCaller = { accessKey: string; region: string; service: string };

const SIGNED = /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request,/;

/**
 * Returns the caller of a request. Checks that a signature for this API is present. Accepts any key, and does not
 * verify the signature itself.
 *
 * @throws AwsRefusal
 */
export function callerOf(request: Request, service: string): AwsCaller {
  const [, accessKey, region, scope] = SIGNED.exec(request.headers.get('authorization') ?? '') ?? [];
  if (accessKey === undefined || region === undefined || scope === undefined)
    throw new AwsRefusal('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  if (scope !== service)
    throw new AwsRefusal(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${service}'.`,
      403,
    );
  return { accessKey, region, service };
}
