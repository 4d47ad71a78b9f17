import type { Feature } from '../manifest.ts';
import { names } from './names.ts';

/** A server for the Model Context Protocol, through which coding agents check, record, and propose. */
export const mcp: Feature = {
  name: names.feature,
  requires: ['freeze'], // one of its tools is the freeze check
  // Without a token, nobody can call it.
  isConfigured: () => true,
  routes: async () => (await import('./routes.ts')).routes,
  commands: async () => (await import('./cli.ts')).addMcp,
};
