import * as z from 'zod';
import { json } from '../http.ts';

/** A rollback in the cluster that Argo CD has accepted. */
const RollbackHandle = z.object({
  by: z.literal('rollback'),
  /** In the history. */
  id: z.number(),
  /** Its revisions, and a digest of its sources with them: what a sync of it brings. */
  revisions: z.array(z.string()),
  content: z.string(),
  /** The newest of the history when it was accepted, and what the application's health was. */
  after: z.number().nullable(),
  health: z.string().nullable(),
  /** The `resourceVersion` from which on it is to be seen. */
  version: z.string().nullable(),
});
export type RollbackHandle = z.infer<typeof RollbackHandle>;

/** Git is being brought back, or has been; automated sync does the rest. */
const GitHandle = z.object({
  by: z.literal('git'),
  /** The commit; null: a pull request that is still to be merged. */
  sha: z.string().nullable(),
  /** Which of the sources, and what is brought back of it. */
  source: z.number(),
  path: z.string().nullable(),
  /** The newest of the history before, the commit that Argo CD knew for the head, and the health. */
  after: z.number().nullable(),
  head: z.string().nullable(),
  health: z.string().nullable(),
});
export type GitHandle = z.infer<typeof GitHandle>;

export type Handle = RollbackHandle | GitHandle;

const AnyHandle = z.discriminatedUnion('by', [RollbackHandle, GitHandle]);

/** Undefined: it is none of ours. */
export const readHandle = (text: string): Handle | undefined => AnyHandle.safeParse(json(text)).data;

export const writeHandle = (handle: Handle): string => JSON.stringify(handle);
