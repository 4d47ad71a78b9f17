import { AwsRefusal } from './aws-refusal.ts';

/** Whose everything is here. */
export const AWS_ACCOUNT = '123456789012';

/** Who calls: what the scope of a signature says. */
export type AwsCaller = { accessKey: string; region: string; service: string };

const SIGNED = /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request,/;

/**
 * Any key is good, and the signature itself is not computed; that it is there, and for this API, is.
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
