import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { FileResult, NewFile, PostmortemFiles } from '../../decisions/files.ts';
import type { PostmortemFileConfig } from '../../schemas/publishing.ts';
import { retryLater, refuse, vendorResponse } from '../../../../vendors/shared/refusals.ts';
import { truncate } from '../../../../vendors/shared/text.ts';
import { escapedName, headOf } from '../../../../vendors/github/git-data.ts';
import {
  attempt,
  BODY_MAX_CHARS,
  type Calls,
  ended,
  type GithubOptions,
  TITLE_MAX_CHARS,
} from '../../../../vendors/github/rest.ts';

type Destination = Pick<PostmortemFileConfig['github'], 'repository' | 'branch'>;

const File = z.object({ type: z.literal('file'), sha: z.string(), html_url: z.string() });
const Written = z.object({ content: z.object({ html_url: z.string() }) });
const PullRequest = z.object({ html_url: z.string(), state: z.enum(['open', 'closed']) });
const Ignored = z.unknown();

/**
 * Creates a client that writes files with the contents API. The token needs the permission Contents: write, and Pull
 * requests: write for pull requests. A write names the version that it replaces, so one that arrives late changes nothing.
 *
 * @see https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents
 */
export function githubFiles(options: GithubOptions, destination: Destination): PostmortemFiles {
  return {
    async publish(file) {
      const result = await attempt<FileResult>(options, destination.repository, (calls) =>
        file.head === null
          ? commitFile(calls, destination.branch, file, destination)
          : viaPullRequest(calls, destination, { ...file, head: file.head }),
      );
      return result.kind === 'published' || result.kind === 'ended'
        ? { kind: 'done', value: result }
        : vendorResponse(result);
    },
  };
}

async function commitFile(
  calls: Calls,
  branch: string,
  file: NewFile,
  { repository }: Destination,
): Promise<FileResult> {
  await headOf(calls, branch);
  return { kind: 'published', url: await write(calls, branch, file, repository), pullRequest: null };
}

async function viaPullRequest(
  calls: Calls,
  { repository, branch }: Destination,
  file: NewFile & { head: string },
): Promise<FileResult> {
  const { head } = file;
  const base = await headOf(calls, branch);
  const query = new URLSearchParams({
    head: `${repository.split('/')[0] ?? ''}:${head}`,
    base: branch,
    state: 'all',
    per_page: '1',
  });
  const [pullRequest] = await calls.get(`/pulls?${query.toString()}`, z.array(PullRequest));
  if (pullRequest?.state !== 'open') {
    const existing = await fileAt(calls, branch, file.path);
    if (existing?.sha === blobSha(file.text))
      return { kind: 'published', url: existing.html_url, pullRequest: pullRequest?.html_url ?? null };
    if (pullRequest !== undefined) return { kind: 'ended', pullRequest: pullRequest.html_url };
  }
  if ((await calls.find(`/git/ref/heads/${escapedName(head)}`, Ignored)) === undefined) {
    const created = await calls.write('POST', '/git/refs', { ref: `refs/heads/${head}`, sha: base.sha }, Ignored);
    if (created.kind !== 'done') throw endedWithPermission(created, repository, CONTENTS_PERMISSION);
  }
  const url = await write(calls, head, file, repository);
  if (pullRequest !== undefined) return { kind: 'published', url, pullRequest: pullRequest.html_url };
  const fields = {
    title: truncate(file.title, TITLE_MAX_CHARS),
    head,
    base: branch,
    body: truncate(file.body, BODY_MAX_CHARS),
  };
  const opened = await calls.write('POST', '/pulls', fields, PullRequest);
  if (opened.kind !== 'done') throw endedWithPermission(opened, repository, 'Pull requests: write');
  return { kind: 'published', url, pullRequest: opened.value.html_url };
}

/** Writes the file unless it has this text already, and returns its web page. */
async function write(
  calls: Calls,
  branch: string,
  { path, text, message }: NewFile,
  repository: string,
): Promise<string> {
  const existing = await fileAt(calls, branch, path);
  if (existing?.sha === blobSha(text)) return existing.html_url;
  const body = {
    message,
    content: Buffer.from(text).toString('base64'),
    branch,
    ...(existing !== undefined && { sha: existing.sha }),
  };
  const response = await calls.write('PUT', contentsPath(path), body, Written);
  if (response.kind === 'done') return response.value.content.html_url;
  const isConflict = response.kind === 'refused' && ['conflict', 'invalid'].includes(response.code);
  if (isConflict && /rule violation|protected branch|pull request|approving review|status check/i.test(response.detail))
    throw refuse(
      `${response.detail}; the branch ${branch} is protected: set mode: pull-request, or allow the token to bypass the protection`,
    );
  if (isConflict && /does not match|wasn't supplied|is at [0-9a-f]+ but expected/i.test(response.detail))
    throw retryLater(`${path} has changed meanwhile: ${response.detail}`);
  throw endedWithPermission(response, repository, CONTENTS_PERMISSION);
}

const CONTENTS_PERMISSION = 'Contents: write';

const fileAt = (calls: Calls, branch: string, path: string): Promise<z.infer<typeof File> | undefined> =>
  calls.find(`${contentsPath(path)}?${new URLSearchParams({ ref: branch }).toString()}`, File);

const contentsPath = (path: string): string => `/contents/${escapedName(path)}`;

/** Returns the object ID that Git gives a file. */
const blobSha = (text: string): string => {
  const bytes = Buffer.from(text);
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
};

/** GitHub answers 404 instead of 403 if the token has no access to a private repository. */
function endedWithPermission(
  failed: Exclude<Awaited<ReturnType<Calls['write']>>, { kind: 'done' }>,
  repository: string,
  permission: string,
): Error {
  if (failed.kind === 'refused' && /already exists/i.test(failed.detail)) return retryLater(failed.detail);
  if (failed.kind === 'refused' && ['forbidden', 'not_found'].includes(failed.code))
    return refuse(`${failed.detail}; the token needs the permission ${permission} for ${repository}`);
  return ended(failed);
}
