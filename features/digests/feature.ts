import type { Feature } from '../manifest.ts';
import { names } from './names.ts';
import { TEAM_DIGEST } from './reports.ts';

/** The digest of the last week, of a team or of all services, in the console. */
export const digests: Feature = {
  name: names.feature,
  requires: ['freeze'], // lists the freezes of the week
  isConfigured: () => true,
  computes: { [TEAM_DIGEST.name]: async () => (await import('./actions/compute.ts')).teamDigest },
  console: async () => ({ after: '/console/decisions', pages: [(await import('./pages.ts')).digestPage] }),
};
