import type { FeatureNames } from '../feature-names.ts';
import { PostmortemsFile } from './schemas/policy.ts';

/** The names of post-mortems. */
export const names = {
  feature: 'postmortems',
  config: { postmortems: PostmortemsFile.prefault({}) },
  files: { postmortems: { schema: PostmortemsFile, title: 'Post-mortems', docs: 'docs/reference/postmortems.md' } },
  endedMarks: ['PMDUE'],
  incidentPages: [{ path: 'postmortem', text: 'Post-mortem' }],
} as const satisfies FeatureNames;
