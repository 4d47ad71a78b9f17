import * as z from 'zod';
import { parseJson } from '../shared/http.ts';

/** A rollback in the cluster that Argo CD has accepted. */
const RollbackHandle = z.object({
  by: z.literal('rollback'),
  /** The history ID. */
  id: z.number(),
  /** The revisions of the deployment, and a hash of its revisions and sources. */
  revisions: z.array(z.string()),
  content: z.string(),
  /** The newest history ID and the application's health when Argo CD accepted the rollback. */
  after: z.number().nullable(),
  health: z.string().nullable(),
  /** The first `resourceVersion` that includes the rollback. */
  version: z.string().nullable(),
});
export type RollbackHandle = z.infer<typeof RollbackHandle>;

/** A revert in Git. Automated sync deploys it. */
const GitHandle = z.object({
  by: z.literal('git'),
  /** The commit; null while the pull request is not merged. */
  sha: z.string().nullable(),
  /** The index of the source, and the reverted folder. */
  source: z.number(),
  path: z.string().nullable(),
  /** The newest history ID, the head commit that Argo CD knew, and the health before the revert. */
  after: z.number().nullable(),
  head: z.string().nullable(),
  health: z.string().nullable(),
});
export type GitHandle = z.infer<typeof GitHandle>;

export type Handle = RollbackHandle | GitHandle;

const AnyHandle = z.discriminatedUnion('by', [RollbackHandle, GitHandle]);

/** Returns undefined for a handle of another deployer. */
export const readHandle = (text: string): Handle | undefined => AnyHandle.safeParse(parseJson(text)).data;

export const writeHandle = (handle: Handle): string => JSON.stringify(handle);
