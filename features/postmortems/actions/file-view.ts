import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { Deps } from '../ports.ts';
import { pathOf } from '../decisions/files.ts';
import { configFor } from '../decisions/issues.ts';
import type { PostmortemView } from '../schemas/postmortem.ts';
import { PostmortemFileState } from '../schemas/publishing.ts';

/** Adds the file that a published post-mortem becomes, if one is configured for its service. */
export async function withFile(
  deps: Pick<Deps, 'config' | 'projections' | 'postmortems'>,
  view: PostmortemView,
): Promise<PostmortemView> {
  const { postmortems, services } = await deps.config.current();
  if (postmortems.publish.length === 0) return view;
  const stored = await deps.postmortems.read(view.incident_id);
  if (stored === undefined) return view;
  const { service } = stored.record;
  const config = configFor(postmortems.publish, { service, team: serviceEntry(services, service)?.team });
  const known = await deps.projections.read('tickets', `postmortem:${view.incident_id}`);
  if (known !== undefined) {
    const { head: _head, revision, ...file } = PostmortemFileState.parse(known);
    return { ...view, file: { ...file, revision: revision === 0 ? null : revision } };
  }
  if (config === undefined) return view;
  const { repository, branch, path, mode } = config.github;
  const none = { revision: null, published_at: null, url: null, pull_request: null, problem: null };
  return { ...view, file: { repository, branch, path: pathOf(path, stored.record), mode, ...none } };
}
