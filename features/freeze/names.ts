import * as z from 'zod';
import type { FeatureNames } from '../feature-names.ts';
import { FreezeGates } from './schemas/freeze-gates.ts';
import { FreezeFile } from './schemas/freeze-policy.ts';

type GatedEnvironment = { freezeGates?: FreezeGates | undefined };

const Id = z.string().min(1).max(128);

/** The names of freezes. The core has their permissions, because built-in roles and issued tokens name them. */
export const names = {
  feature: 'freeze',
  environment: {
    /** What a freeze also closes in a Kubernetes cluster. Absent: nothing. */
    freezeGates: FreezeGates.optional(),
  },
  targets: ({ freezeGates }: GatedEnvironment) =>
    freezeGates === undefined ? [] : [{ ...freezeGates, vendor: 'kubernetes' }],
  usesTarget: {
    gates: ({ services }: { services: Readonly<Record<string, { environments: Record<string, GatedEnvironment> }>> }) =>
      Object.values(services).some(({ environments }) =>
        Object.values(environments).some(({ freezeGates }) => freezeGates !== undefined),
      ),
  },
  config: { freeze: FreezeFile.prefault({}) },
  files: {
    freeze: { schema: FreezeFile, title: 'Freeze policies and calendar', docs: 'docs/reference/freezes.md' },
  },
  configScopes: ({ freeze: { policies, calendar } }: { freeze: FreezeFile }) => [
    ...policies.map(({ match }) => ({ services: match.service, environments: match.environment })),
    ...calendar,
  ],
  buttons: [
    z.object({ verb: z.literal('lift_freeze'), freeze: Id }),
    /** Approval by a second person. */
    z.object({ verb: z.literal('approve_override'), freeze: Id, override: Id }),
  ],
} as const satisfies FeatureNames;
