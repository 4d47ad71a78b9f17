import type { Feature } from '../manifest.ts';
import { names } from './names.ts';

/** The digest of the last week, of a team or of all services, in the console. */
export const digests: Feature = {
  name: names.feature,
  isConfigured: () => true,
  console: async () => ({ after: '/console/runbooks', pages: [(await import('./pages.ts')).digestPage] }),
};
