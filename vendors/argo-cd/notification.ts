import * as z from 'zod';
import { AUTHOR_MAX_CHARS } from '../../schemas/changes/change.ts';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { InstantIn, secondsBetween, setOrNull, type Timestamp } from '../../schemas/time/time.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { SETTLES_SECONDS } from '../../core/domain/changes/rollout.ts';
import { COMMIT, type ReceivedWebhook, unreadable, versionOf, type ChangeSender } from '../shared/change-webhook.ts';
import { truncated } from '../../schemas/parsing/text.ts';

const Text = z.string().min(1).max(2048);
/** Optional fields. Empty text counts as absent. */
const optionalText = z
  .string()
  .max(2048)
  .nullish()
  .transform((value) => (value ? value : undefined));
const optionalInstant = InstantIn.nullish().transform((value) => (value && setOrNull(value)) ?? undefined);
const optionalTexts = z
  .array(Text)
  .nullish()
  .transform((list) => list ?? []);

/** What was synchronized: the revision of each source, and a hash of their parameters. */
const Synchronized = { revision: optionalText, revisions: optionalTexts, source: optionalText };

/**
 * The body of the notification template in `examples/argo-cd/`. Sources are hashed there, because their Helm values can
 * contain secrets.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/
 */
const Notification = z.object({
  version: z.literal(1),
  argocd_url: optionalText,
  application: z.object({
    name: z.string().min(1).max(253),
    namespace: optionalText,
    /** Hash of the source that the application names now. */
    source: optionalText,
  }),
  sync: z.object({ status: optionalText, revision: optionalText, revisions: optionalTexts }),
  health: z.object({ status: optionalText, since: optionalInstant }),
  reconciled_at: optionalInstant,
  /** Images in the cluster. */
  images: optionalTexts,
  operation: z
    .object({
      ...Synchronized,
      phase: z.string().max(64),
      started_at: InstantIn,
      finished_at: optionalInstant,
      username: optionalText,
      /** Only selected resources were synchronized. Such operations are not in the history. */
      partial: z.boolean(),
      dry_run: z.boolean(),
      /** Images in the manifests. Argo CD before 3.0 does not send them. */
      images: optionalTexts,
    })
    .nullable(),
  history: z
    .array(z.object({ ...Synchronized, id: z.number().int(), started_at: optionalInstant }))
    .max(1000)
    .transform((entries) => entries.toSorted((a, b) => a.id - b.id)),
});
type Notification = z.infer<typeof Notification>;
type Operation = NonNullable<Notification['operation']>;
type Synchronized = Pick<Operation, 'revision' | 'revisions' | 'source'>;

/** How long the cluster must have matched Git before a difference is a drift. */
const UNDISTURBED_SECONDS = 5 * 60;

export const argoCdNotifications: ChangeSender = {
  source: 'argo-cd',
  path: '/integrations/argo-cd/webhook',
  sends: 'notifications of Argo CD',
  read: readArgoCdNotification,
};

/** Reads a notification of Argo CD. */
export function readArgoCdNotification({ payload }: ReceivedWebhook): ReadChanges {
  const parsed = Notification.safeParse(payload);
  if (!parsed.success) return unreadable('notification of Argo CD', parsed.error);
  const rollout = rolloutOf(parsed.data);
  const drift = driftOf(parsed.data);
  const reports = [...('ignored' in rollout ? [] : [rollout]), ...(drift === undefined ? [] : [drift])];
  return reports.length === 0 && 'ignored' in rollout ? rollout : { reports };
}

/**
 * Reports resources that were changed in the cluster, while Git and the application stayed as they are. Resources that
 * differ right after a synchronization are no drift: a controller changes them each time.
 */
function driftOf({ application, sync, operation, history, reconciled_at, argocd_url }: Notification) {
  const last = history.at(-1);
  const revision = revisionOf(sync);
  if (sync.status !== 'OutOfSync' || revision === undefined || reconciled_at === undefined) return undefined;
  if (last === undefined || operation?.finished_at === undefined || operation.phase === 'Running') return undefined;
  if (secondsBetween(operation.finished_at, reconciled_at) < UNDISTURBED_SECONDS) return undefined;
  if (!isSame({ ...sync, source: application.source }, last)) return undefined; // a newer revision or parameter waits
  return {
    source: 'drift',
    // Argo CD repeats its notification at each comparison; one drift of one synchronization is one change.
    key: `argo-cd ${nameOf(application)} ${last.id}`,
    at: reconciled_at,
    subject: { argoApplication: placedName(argocd_url, application) },
    kind: 'config',
    status: 'succeeded',
    version: versionOf(revision),
    started_at: reconciled_at,
    ...linkOf(argocd_url, application),
  } satisfies ChangeReport;
}

function rolloutOf(notification: Notification): ChangeReport | { ignored: string } {
  const { application, operation, health, history, argocd_url } = notification;
  if (operation === null) return { ignored: 'the application was never synchronized' };
  if (operation.dry_run) return { ignored: 'a dry run changes nothing' };
  if (operation.partial) return { ignored: 'only selected resources were synchronized' };
  const historyEntry = history.find(({ started_at }) => started_at === operation.started_at);
  const synchronized = historyEntry ?? operation;
  const revision = revisionOf(synchronized);
  const hasFailed = ['Error', 'Failed'].includes(operation.phase); // possibly before its revision was resolved
  if (revision === undefined && !hasFailed)
    return { ignored: 'the operation has no revision yet; Argo CD reports its end too' };
  const before = historyEntry === undefined ? history : history.filter(({ id }) => id < historyEntry.id);
  const previous = before.at(-1);
  if (previous !== undefined && isSame(previous, synchronized))
    return { ignored: `the application already runs the revision ${revision}` };
  const outcome = outcomeOf(operation, health, notification.reconciled_at);
  if ('ignored' in outcome) return outcome;
  const images = operation.images.length > 0 || outcome.status !== 'succeeded' ? operation.images : notification.images;
  const previousRevision = previous && revisionOf(previous);
  return {
    source: 'argo-cd',
    key: `${nameOf(application)} ${operation.started_at}`,
    subject: { argoApplication: placedName(argocd_url, application) },
    ...(before.some((entry) => isSame(entry, synchronized)) && { kind: 'rollback' as const }),
    ...outcome,
    ...(revision !== undefined && { version: versionOf(revision) }),
    ...(revision !== undefined && COMMIT.test(revision) && { commit: revision }),
    started_at: operation.started_at,
    ...(operation.username !== undefined && { author: truncated(operation.username, AUTHOR_MAX_CHARS) }),
    ...linkOf(argocd_url, application),
    ...(previousRevision !== undefined && { previous_version: versionOf(previousRevision) }),
    ...(images.length > 0 && { images: [...new Set(images)].toSorted().slice(0, 100) }),
  };
}

type Outcome = Pick<ChangeReport, 'status' | 'at' | 'applied_at'> | { ignored: string };

/** A rollout has succeeded when the application is healthy after the synchronization. */
function outcomeOf(
  { phase, started_at, finished_at = started_at }: Operation,
  { status, since }: Notification['health'],
  comparedAt: Timestamp | undefined,
): Outcome {
  if (phase === 'Running' || phase === 'Terminating') return { status: 'started', at: started_at };
  if (phase === 'Error' || phase === 'Failed') return { status: 'failed', at: finished_at };
  if (phase !== 'Succeeded') return { ignored: `unknown phase ${phase} of an operation` };
  const settled = since !== undefined && since > finished_at ? since : finished_at;
  if (status === 'Healthy') return { status: 'succeeded', at: settled, applied_at: finished_at };
  if (status !== 'Degraded') return { status: 'started', at: finished_at };
  const degradedAt = since ?? comparedAt ?? finished_at;
  return secondsBetween(finished_at, degradedAt) <= SETTLES_SECONDS
    ? { status: 'failed', at: degradedAt > finished_at ? degradedAt : finished_at }
    : { ignored: 'the application degraded long after the rollout' };
}

/** Returns the revisions of all sources as one text. */
const revisionOf = ({ revision, revisions }: Pick<Synchronized, 'revision' | 'revisions'>): string | undefined =>
  revisions.length > 0 ? revisions.join(' ') : revision;

function isSame(one: Synchronized, other: Synchronized): boolean {
  if (revisionOf(one) === undefined || revisionOf(one) !== revisionOf(other)) return false;
  return one.source === undefined || other.source === undefined || one.source === other.source;
}

const nameOf = ({ namespace, name }: Notification['application']): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/** Returns `server/namespace/name`, as far as they are known: several tenants can have applications of one name. */
const placedName = (argocdUrl: string | undefined, application: Notification['application']): string =>
  [URL.parse(argocdUrl ?? '')?.host, nameOf(application)].filter(Boolean).join('/');

function linkOf(argocdUrl: string | undefined, application: Notification['application']): { url?: string } {
  const base = argocdUrl === undefined ? null : URL.parse(argocdUrl);
  if (base === null || !/^https?:$/.test(base.protocol)) return {};
  const path = `applications/${[application.namespace, application.name].flatMap((part) => part ?? []).join('/')}`;
  return { url: new URL(path, `${base.origin}${base.pathname.replace(/(?<!\/)\/*$/, '/')}`).href };
}
