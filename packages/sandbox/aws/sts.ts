import { AWS_ACCOUNT, callerOf } from './caller.ts';
import { AwsRefusal } from './refusal.ts';

const SESSION_SECONDS = 3600;

/**
 * `AssumeRole` of STS, in the query protocol. Every role can be assumed. The session's key contains the role's name, so
 * that recorded calls show which role made them.
 */
export function assumeRole(request: Request, form: URLSearchParams, now: number): Response {
  callerOf(request, 'sts');
  const arn = form.get('RoleArn') ?? '';
  const role = /^arn:aws[a-z-]*:iam::\d{12}:role\/(?:.+\/)?([\w+=,.@-]+)$/.exec(arn)?.[1];
  if (form.get('Action') !== 'AssumeRole')
    throw new AwsRefusal('InvalidAction', `Could not find operation ${form.get('Action') ?? ''}`);
  if (role === undefined) throw new AwsRefusal('ValidationError', 'roleArn is invalid');
  const session = form.get('RoleSessionName') ?? '';
  return new Response(
    `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
      <AssumedRoleUser>
        <AssumedRoleId>AROASANDBOX:${session}</AssumedRoleId>
        <Arn>arn:aws:sts::${AWS_ACCOUNT}:assumed-role/${role}/${session}</Arn>
      </AssumedRoleUser>
      <Credentials>
        <AccessKeyId>ASIA${role.replaceAll(/\W/g, '')}</AccessKeyId>
        <SecretAccessKey>sandbox</SecretAccessKey>
        <SessionToken>sandbox-session-${role}</SessionToken>
        <Expiration>${new Date(now + SESSION_SECONDS * 1000).toISOString()}</Expiration>
      </Credentials>
    </AssumeRoleResult></AssumeRoleResponse>`,
    { headers: { 'content-type': 'text/xml' } },
  );
}
