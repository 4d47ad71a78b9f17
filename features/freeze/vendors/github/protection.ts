import * as z from 'zod';
import type { DeploymentProtection, ReviewOutcome } from '../../types.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import { truncate } from '../../../../vendors/shared/text.ts';
import type { GithubAccess } from '../../../../vendors/github/access.ts';
import { commitOfVersion, entryAt, segmentsOf } from '../../../../vendors/github/git-data.ts';
import { attempt, repositoryPath, request } from '../../../../vendors/github/rest.ts';
import { undelivered } from './deliveries.ts';

/**
 * Maximum characters of a status report, in Markdown.
 * @see https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
 */
export const COMMENT_MAX_CHARS = 1024;

/** Maximum status reports per deployment, from the same page. */
export const NOTES_MAX = 10;

/** Milliseconds for one call. GitHub allows 10 s for a webhook. */
const TIMEOUT_MS = 4_000;

/** Error codes for a deployment that no longer waits for a review. */
const OVER_CODES: readonly string[] = ['conflict', 'gone', 'invalid'];

const Ignored = z.unknown();

const isNotFound = (response: VendorResponse<unknown>): response is Extract<typeof response, { kind: 'refused' }> =>
  response.kind === 'refused' && response.code === 'not_found';

function outcomeOf(response: VendorResponse<unknown>): ReviewOutcome {
  if (response.kind === 'done') return { kind: 'done' };
  const { kind, detail } = response;
  if (kind === 'off') return { kind: 'refused', detail };
  return { kind: kind === 'refused' && OVER_CODES.includes(response.code) ? 'over' : kind, detail };
}

/**
 * Creates a client for custom deployment protection rules: GitHub holds a deployment until the rule is reviewed. Calls
 * only the configured API, whatever callback URL a webhook contains.
 *
 * @see https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
 */
export const githubProtection = (access: GithubAccess): DeploymentProtection => ({
  async review({ repository, run, environment, installation_id }, { state, comment }) {
    const options = await access.asApp(repository, installation_id);
    const path = repositoryPath(repository);
    const send = () =>
      request(options, {
        method: 'POST',
        path: `${path}/actions/runs/${run}/deployment_protection_rule`,
        body: {
          environment_name: environment,
          ...(state !== null && { state }),
          comment: truncate(comment, COMMENT_MAX_CHARS),
        },
        schema: Ignored,
        timeoutMs: TIMEOUT_MS,
      });
    const response = await send();
    if (!isNotFound(response)) return outcomeOf(response);
    // A deleted run, or a token without access: GitHub does not distinguish the two.
    const read = await request(options, { method: 'GET', path, schema: Ignored, timeoutMs: TIMEOUT_MS });
    if (read.kind === 'later' || read.kind === 'unclear') return { kind: 'later', detail: read.detail };
    if (read.kind !== 'done')
      return {
        kind: 'refused',
        detail: `${response.detail}, also for ${repository}: check GITHUB_API_URL and the access to the repository`,
      };
    // The access may have returned after the first request.
    const again = await send();
    return isNotFound(again) ? { kind: 'over', detail: again.detail } : outcomeOf(again);
  },

  async hasContentOf({ repository, commit, installation_id }, version, path) {
    const options = await access.asApp(repository, installation_id);
    const same = await attempt(options, repository, async (calls) => {
      const names = segmentsOf(path ?? '');
      const [deployed, ofVersion] = await Promise.all(
        [commit, version].map(async (name) => entryAt(calls, (await commitOfVersion(calls, name)).tree, names)),
      );
      return { same: deployed !== undefined && deployed.sha === ofVersion?.sha && deployed.mode === ofVersion.mode };
    });
    return 'same' in same && same.same;
  },

  undelivered: (known) => undelivered(access, known),
});
