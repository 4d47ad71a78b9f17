import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { InstantIn } from '../../schemas/time/time.ts';
import { artifactOf } from '../../core/domain/changes/images.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { type ReceivedWebhook, unreadable, versionOf, type ChangeSender } from '../shared/change-webhook.ts';
import { PodTemplate } from '../kubernetes/objects.ts';
import { digestIn, nameOf, versionsOf } from '../kubernetes/versions.ts';

const Name = z.string().min(1).max(253);

/**
 * The body of the notification templates in `examples/argo-rollouts/`.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/notifications/
 */
const Notification = z.object({
  version: z.literal(1),
  /** The reason of the event that Argo Rollouts emits. */
  event: z.enum(['RolloutUpdated', 'RolloutCompleted', 'RolloutAborted']),
  /** When the notification was written. The rollout's own times are still those before the event. */
  sent_at: InstantIn,
  cluster: z
    .string()
    .max(253)
    .nullish()
    .transform((cluster) => cluster ?? ''),
  rollout: z.object({
    namespace: Name,
    name: Name,
    uid: z.string().min(1).max(64),
    revision: z.string().min(1).max(20),
  }),
  template: PodTemplate,
});

const STATUS = {
  RolloutUpdated: 'started',
  RolloutCompleted: 'succeeded',
  RolloutAborted: 'failed',
} as const satisfies Record<z.infer<typeof Notification>['event'], ChangeReport['status']>;

export const argoRolloutsNotifications: ChangeSender = {
  source: 'argo-rollouts',
  path: '/integrations/argo-rollouts/webhook',
  sends: 'notifications of Argo Rollouts',
  read: readArgoRolloutsNotification,
};

/** Reads a notification of Argo Rollouts. Each rollout has a new revision, also one that brings an older version back. */
export function readArgoRolloutsNotification({ payload }: ReceivedWebhook): ReadChanges {
  const parsed = Notification.safeParse(payload);
  if (!parsed.success) return unreadable('notification of Argo Rollouts', parsed.error);
  const { event, sent_at: at, cluster, rollout, template } = parsed.data;
  const { namespace, name, uid, revision } = rollout;
  const status = STATUS[event];
  const images = template.spec.containers.flatMap(({ image }) => image ?? []);
  const version = versionsOf(template, undefined);
  const workload = [cluster, namespace, 'Rollout', name].filter(Boolean).join('/');
  return {
    reports: [
      {
        source: 'argo-rollouts',
        key: `${uid} ${revision}`,
        at,
        subject: { kubernetesWorkload: workload },
        status,
        ...(status === 'started' && { started_at: at }),
        ...(version.length > 0 && {
          version: versionOf(nameOf(version)),
          artifact: artifactOf(`argo-rollouts ${workload}`, digestIn(version)),
        }),
        ...(images.length > 0 && { images: images.slice(0, 100) }),
      },
    ],
  };
}
