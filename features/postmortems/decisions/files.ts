import type { PostmortemFileConfig, PostmortemFileState } from '../schemas/publishing.ts';
import { type PostmortemRecord, SEV } from '../schemas/postmortem.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';

/** A version of a post-mortem as a file. */
export type NewFile = {
  path: string;
  text: string;
  /** Of the commit, and the title of the pull request. They contain no text of people, which could close issues. */
  message: string;
  title: string;
  body: string;
  /** The branch of the pull request. Null: a commit on the configured branch. */
  head: string | null;
};

/** `ended`: the pull request of this branch is closed, and the configured branch does not have this version. */
export type FileResult =
  | { kind: 'published'; url: string; pullRequest: string | null }
  | { kind: 'ended'; pullRequest: string };

/** Files in one repository. */
export type PostmortemFiles = {
  /** Publishes a version, in one attempt. A repetition finds what an earlier attempt has done. */
  publish(file: NewFile): Promise<VendorResponse<FileResult>>;
  /** True: a stand-in of the sandbox. */
  standIn?: boolean;
};

export type PostmortemFilesFor = (config: PostmortemFileConfig) => Promise<PostmortemFiles>;

/** Returns the path of the file of a post-mortem. Other characters than those of file names become hyphens. */
export function pathOf(
  template: string,
  { incident_id, service, environment, severity, facts }: PostmortemRecord,
): string {
  const values: Record<string, string> = {
    date: facts.times.started_at.slice(0, 10),
    service,
    environment,
    severity: SEV[severity],
    id: incident_id,
  };
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    (values[name] ?? '').replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/\.{2,}/g, '-'),
  );
}

/** Returns the branch of a pull request. */
export const headOf = ({ incident_id, revision }: Pick<PostmortemRecord, 'incident_id' | 'revision'>): string =>
  `firebreak/postmortem-${incident_id}-${revision}`;

/** Returns the state with which a publication continues. A file stays where it was published first. */
export function nextFileState(
  before: PostmortemFileState | undefined,
  { github: { repository, branch, path, mode } }: PostmortemFileConfig,
  record: PostmortemRecord,
): PostmortemFileState {
  const isSameBranch = before?.repository === repository && before.branch === branch;
  const state: PostmortemFileState = isSameBranch
    ? { ...before, mode }
    : {
        repository,
        branch,
        path: pathOf(path, record),
        mode,
        head: null,
        revision: 0,
        published_at: null,
        url: null,
        pull_request: null,
        problem: null,
      };
  if (mode === 'commit') return { ...state, head: null };
  return { ...state, head: state.head ?? headOf(record) };
}
