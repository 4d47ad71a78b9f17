import { showIncident, type SlackDeps } from './slack/incident.ts';
import { showNotice } from './slack/notice.ts';
import type { Bulletins } from '../domain/bulletins.ts';
import type { Projector } from './pass.ts';

/** Slack: incidents in channels of their own, and notices in those of teams. */
export const slackProjector =
  (deps: SlackDeps & { bulletins: Bulletins }): Projector =>
  async (subject, turn) =>
    subject.startsWith('notice:') ? showNotice(deps, subject, turn) : showIncident(deps, subject, turn);
