import * as z from 'zod';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { Clock } from '../../../../core/domain/ports/system.ts';
import { vendorClient, type VendorCall } from '../../../../vendors/shared/client.ts';

export type JiraOptions = {
  /** Address of the site, such as `https://acme.atlassian.net`. The token is sent only there. */
  url: () => Promise<string | undefined>;
  email: () => Promise<string | undefined>;
  token: () => Promise<string | undefined>;
  clock: Clock;
};

/** Milliseconds for one call. */
const TIMEOUT_MS = 10_000;

/**
 * Calls the REST API of Jira Cloud once, with an email address and an API token.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/
 */
export const request = <T>(options: JiraOptions, call: VendorCall<T>): Promise<VendorResponse<T>> =>
  vendorClient({
    vendor: 'Jira',
    clock: options.clock,
    async access() {
      const [url, email, token] = await Promise.all([options.url(), options.email(), options.token()]);
      if (!url || !email || !token)
        return { kind: 'off', detail: 'Jira is off: JIRA_URL, JIRA_EMAIL, and JIRA_API_TOKEN are not all set' };
      const authorization = `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`;
      return { url, headers: { authorization } };
    },
    timeoutMs: TIMEOUT_MS,
    errorBody: Errors,
  })(call);

/** An error body: messages, and messages by field. */
const Errors = z
  .object({
    errorMessages: z.array(z.string()).default([]),
    errors: z.record(z.string(), z.string()).default({}),
  })
  .transform(({ errorMessages, errors }) => {
    const all = [...errorMessages, ...Object.entries(errors).map(([field, text]) => `${field}: ${text}`)];
    return all.length === 0 ? undefined : all.join('; ');
  });

const Ignored = z.unknown();

/** Checks the credentials. Changes nothing. */
export const checkJira = async (options: JiraOptions): Promise<VendorResponse<null>> => {
  const response = await request(options, { method: 'GET', path: '/rest/api/3/myself', schema: Ignored });
  return response.kind === 'done' ? { kind: 'done', value: null } : response;
};
