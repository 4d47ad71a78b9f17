import type { Feature } from '../manifest.ts';
import { names } from './names.ts';

/** Status updates to people who do not work on an incident, by email and in Slack. */
export const stakeholders: Feature = {
  name: names.feature,
  isConfigured: ({ response }) => response.stakeholders.length > 0,
  sendDue: async (...due) => (await import('./actions/send-updates.ts')).sendStatusUpdates(...due),
};
