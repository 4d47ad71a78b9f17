import type { FeatureNames } from '../feature-names.ts';

/** The names of the MCP server: it has none of its own, because its tools need the permissions of the API. */
export const names = { feature: 'mcp' } as const satisfies FeatureNames;
