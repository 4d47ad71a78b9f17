import * as z from 'zod';
import type { FeatureNames } from '../feature-names.ts';
import { Stakeholder } from './stakeholder.ts';

const Stakeholders = z.array(Stakeholder).max(50).default([]);

/** The names of status updates to stakeholders. */
export const names = {
  feature: 'stakeholders',
  response: { stakeholders: Stakeholders },
  scopes: ({ stakeholders }: { stakeholders: z.infer<typeof Stakeholders> }) =>
    stakeholders.map(({ services, teams }, index) => ({ path: ['stakeholders', index], services, teams })),
} as const satisfies FeatureNames;
