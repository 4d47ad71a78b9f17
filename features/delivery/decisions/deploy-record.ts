import type { Change } from '../../../schemas/changes/change.ts';
import type { DeployRecord } from '../deploy-record.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { endOf } from '../../../core/domain/changes/versions.ts';

/**
 * Returns what the figures need of a change. Undefined: it neither puts a version live nor changes the
 * infrastructure, has not finished, or was cancelled before it could reach production. A version that was rolled back had reached it,
 * whatever its pipeline reports later.
 */
export function deployRecordOf(change: Change): DeployRecord | undefined {
  const { kind, rolled_back_by } = change;
  const status = rolled_back_by !== null && change.status !== 'failed' ? 'succeeded' : change.status;
  if (kind !== 'deploy' && kind !== 'hotfix' && kind !== 'rollback' && kind !== 'infrastructure') return undefined;
  if (status !== 'succeeded' && status !== 'failed') return undefined;
  const { id, service, environment, version, started_at, previous_version } = change;
  const bringsCommits = kind === 'deploy' || kind === 'hotfix';
  const commits = bringsCommits ? commitsOf(change) : [];
  const undated = bringsCommits ? undatedOf(change, commits) : [];
  return {
    id,
    service,
    environment,
    version,
    kind,
    status,
    started_at,
    at: endOf(change),
    commits,
    ...(undated.length > 0 && { undated }),
    previous_version,
    rolled_back_by,
  };
}

/** Returns the commits with a reported time, each once. The list of commits takes precedence over the single one. */
function commitsOf({ commits, commit, committed_at, version }: Change): [string, Timestamp][] {
  const listed = commits.flatMap(({ sha, committed_at: at }): [string, Timestamp][] =>
    at === null ? [] : [[sha, at]],
  );
  const head = commit ?? version;
  const single: [string, Timestamp][] =
    committed_at === null || listed.some(([sha]) => sha === head) || (commit === null && listed.length > 0)
      ? []
      : [[head, committed_at]];
  return [...new Map([...listed, ...single])];
}

function undatedOf({ commits, commit }: Change, dated: readonly (readonly [string, Timestamp])[]): string[] {
  const known = new Set(dated.map(([sha]) => sha));
  const all = [...commits.map(({ sha }) => sha), ...(commit === null ? [] : [commit])];
  return [...new Set(all)].filter((sha) => !known.has(sha));
}
