import * as z from 'zod';
import { ChangeKind } from '../changes/change.ts';
import { Version } from '../config/names.ts';
import { readAs } from '../parsing/read-as.ts';
import { Timestamp } from '../time/time.ts';
import { Suspect } from './incident.ts';

/** What a decision was based on, for people who answer it. It stays as it was, whatever later decisions find. */
export const DecisionBasis = z.object({
  /** The most probable ones first. */
  suspects: z.array(Suspect),
  /** The newest change that put the version to roll back live. Null: none is recorded. */
  change: z
    .object({
      version: Version,
      kind: readAs(ChangeKind, 'config'),
      started_at: Timestamp,
      finished_at: Timestamp.nullable(),
    })
    .nullable(),
  /** Versions that the rollback would undo with a migration, and those for which none was recorded. Null: not known. */
  migrations: z.object({ known: z.array(Version), unknown: z.array(Version) }).nullable(),
});
export type DecisionBasis = z.infer<typeof DecisionBasis>;
