import { showIncident, type SlackDeps } from './incident.ts';
import { showNotice } from './notice.ts';
import type { AlertNotices } from '../../../core/domain/messages/alert-notices.ts';
import type { Projector } from '../../../core/projectors/sync.ts';

/** Returns the projector for Slack: incidents in their own channels, and notices in team channels. */
export const slackProjector =
  (deps: SlackDeps & { alertNotices: AlertNotices }): Projector =>
  async (subject, session) =>
    subject.startsWith('notice:') ? showNotice(deps, subject, session) : showIncident(deps, subject, session);
