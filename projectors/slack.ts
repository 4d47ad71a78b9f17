import { showIncident, type SlackDeps } from './slack/incident.ts';
import { showNotice } from './slack/notice.ts';
import type { Bulletins } from '../domain/bulletins.ts';
import type { Projector } from './pass.ts';

/** Returns the projector for Slack: incidents in their own channels, and notices in team channels. */
export const slackProjector =
  (deps: SlackDeps & { bulletins: Bulletins }): Projector =>
  async (subject, turn) =>
    subject.startsWith('notice:') ? showNotice(deps, subject, turn) : showIncident(deps, subject, turn);
