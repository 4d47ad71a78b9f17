import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import type { Projector } from '../../../core/projectors/sync.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { standInNote } from '../../../core/domain/catalogue/vendors.ts';
import { postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import { code } from '../../../core/domain/messages/markdown.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { ConfigSource } from '../../../core/domain/ports/config.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import type { Postmortems, StoredPostmortem } from '../types.ts';
import {
  nextFileState,
  type FileResult,
  headOf,
  type PostmortemFiles,
  type PostmortemFilesFor,
} from '../decisions/files.ts';
import { configFor } from '../decisions/issues.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { PostmortemFileState } from '../schemas/publishing.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import type { Method, SyncSession } from '../../../core/projectors/session.ts';

/** Each attempt makes up to three writes; GitHub's secondary limit is 80 a minute and 500 an hour. */
const FILE_WRITES: Method = {
  name: 'github files',
  allowances: { 'github files': { perSecond: 100 / 3600, burst: 10 } },
};

/** After a day, a refusal is retried each hour. */
const RETRY_REFUSAL_SECONDS = 3600;

export type PostmortemFileDeps = {
  projections: Projections;
  config: ConfigSource;
  postmortems: Pick<Postmortems, 'read'>;
  incidents: Pick<Incidents, 'read' | 'note'>;
  postmortemFilesFor: PostmortemFilesFor;
  publicUrl: string | undefined;
};

/** Returns the projector for files of post-mortems. It shares the rate limits of tickets. */
export const fileProjector =
  (deps: PostmortemFileDeps): Projector =>
  (subject, session) =>
    publishFile(deps, subject, session);

/**
 * Writes the current version of a published post-mortem to the configured repository. The state says what is about to be
 * created before it is created, so another process finds it again.
 */
async function publishFile(deps: PostmortemFileDeps, subject: Subject, session: SyncSession): Promise<void> {
  const id = IncidentId.parse(idOf(subject));
  const { postmortems, services } = await deps.config.current();
  if (postmortems.publish.length === 0) return;
  const stored = await deps.postmortems.read(id);
  if (stored?.record.state !== 'published') return;
  const { record } = stored;
  const team = serviceEntry(services, record.service)?.team;
  const config = configFor(postmortems.publish, { service: record.service, team });
  if (config === undefined) return;
  const before = PostmortemFileState.optional().parse((await deps.projections.read('tickets', subject)) ?? undefined);
  let state = nextFileState(before, config, record);
  if (state.revision >= record.revision) return;
  const save = async (change: Partial<PostmortemFileState>): Promise<void> => {
    await session.checkLease();
    state = { ...state, ...change };
    await deps.projections.write('tickets', subject, state);
  };
  const files = await deps.postmortemFilesFor(config);
  await save({});
  let response = await attempt(deps, session, files, stored, state);
  // The pull request of an earlier version is merged or closed; this version gets its own, from a new branch (`head`).
  if (response?.kind === 'done' && response.value.kind === 'ended' && state.head !== headOf(record)) {
    await save({ head: headOf(record) });
    response = await attempt(deps, session, files, stored, state);
  }
  if (response === undefined) return;
  if (response.kind === 'done') return recordPublication(deps, { stored, files, state, save }, response.value, session);
  session.log.warn('a post-mortem was not published as a file', { incident: id, detail: response.detail });
  await save({ problem: response.detail });
  if (response.kind !== 'refused' && response.kind !== 'off') return;
  if (session.isRefusalRetried(record.updated_at)) session.scheduleRetryAfterRefusal(record.updated_at);
  else session.scheduleNext(plusSeconds(session.now(), RETRY_REFUSAL_SECONDS));
}

async function attempt(
  { publicUrl, incidents }: PostmortemFileDeps,
  session: SyncSession,
  files: PostmortemFiles,
  { record, markdown }: StoredPostmortem,
  { path, head }: PostmortemFileState,
): Promise<VendorResponse<FileResult> | undefined> {
  const { incident_id: id, revision, service, facts } = record;
  const incident = (await incidents.read(id)) ?? { id };
  const name = incidentName(incident);
  const url = publicUrl === undefined ? '' : `\n\n${publicUrl}${postmortemPath(incident)}`;
  return session.attempt(FILE_WRITES, () =>
    files.publish({
      path,
      head,
      text: markdown,
      message: `Publish the post-mortem of incident ${name}, revision ${revision}`,
      title: `Post-mortem of ${service}, ${facts.times.started_at.slice(0, 10)} (${name})`,
      body: `The post-mortem of incident ${code(name)} of ${code(service)}, published in Firebreak.${url}`,
    }),
  );
}

type Publication = {
  stored: StoredPostmortem;
  files: PostmortemFiles;
  state: PostmortemFileState;
  save: (change: Partial<PostmortemFileState>) => Promise<void>;
};

async function recordPublication(
  deps: PostmortemFileDeps,
  { stored: { record }, files, state, save }: Publication,
  result: FileResult,
  session: SyncSession,
): Promise<void> {
  const { incident_id: id, revision } = record;
  const at = session.now();
  if (result.kind === 'ended')
    return save({
      revision,
      pull_request: result.pullRequest,
      problem: `the pull request ${result.pullRequest} was closed without this version; save a new version of the post-mortem to open another one`,
    });
  // The entry comes first: its key makes a repetition harmless, and a lost entry would be missed.
  await deps.incidents.note(id, `postmortem-file-${revision}`, {
    at,
    actor: 'firebreak',
    kind: 'postmortem.file_published',
    text: `Published the post-mortem as ${state.path} in ${state.repository}${result.pullRequest === null ? '' : ', in a pull request'}${files.standIn === true ? standInNote('file') : ''}`,
    detail: { revision, url: result.url, pull_request: result.pullRequest },
  });
  await save({
    revision,
    url: result.url,
    pull_request: result.pullRequest,
    published_at: at,
    problem: null,
  });
}
