import type { ChangeReport, ReportSubject } from '../../schemas/changes/change-report.ts';
import { type Timestamp, timestamp } from '../../schemas/time/time.ts';
import { artifactOfImage, partsOfImage } from '../../core/domain/changes/images.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { versionOf } from '../shared/change-webhook.ts';
import type { Hook } from './hook.ts';

/**
 * Reads an event of Flagger. The checksum identifies the pod template that is rolled out, so it is the same when an
 * earlier template comes back. Flagger names no version, so the metadata of the webhook does.
 *
 * @param serviceEnvironment the service and environment of the canary. Absent: from the metadata or the catalogue
 * @see https://docs.flagger.app/usage/webhooks
 */
export function readFlaggerEvent(hook: Hook, serviceEnvironment: Partial<ServiceEnvironment> = {}): ReadChanges {
  const { namespace, name, checksum, metadata } = hook;
  const at = instantOf(metadata['timestamp']);
  const state = stateOf(hook);
  if (typeof state === 'string') return { ignored: state };
  if (checksum === '') return { ignored: 'Flagger before 1.34 sends no checksum of the rollout' };
  if (at === undefined) return { ignored: 'the event has no time' };
  const { version, image, cluster } = metadata;
  const { tag } = partsOfImage(image ?? '');
  const artifact = artifactOfImage('flagger', image);
  const object = [cluster, namespace, 'Canary', name].filter(Boolean).join('/');
  return {
    reports: [
      {
        source: 'flagger',
        key: `${object} ${checksum}`,
        object,
        at,
        subject: { ...subjectOf(hook, object), ...serviceEnvironment },
        ...state,
        // A restart is caused by the next version, which the metadata names already.
        ...(state.status !== 'cancelled' && {
          ...((version ?? tag) && { version: versionOf(version ?? tag ?? '') }),
          ...(artifact && { artifact }),
          ...(image && { images: [image] }),
        }),
        ...(state.status === 'started' && { started_at: at }),
      },
    ],
  };
}

const subjectOf = ({ metadata }: Hook, kubernetesWorkload: string): ReportSubject => {
  const { service, environment = metadata.env } = metadata;
  return { kubernetesWorkload, ...(service && { service }), ...(environment && { environment }) };
};

/** Returns the time of an event, which Flagger sends in milliseconds since the epoch. */
const instantOf = (millis = ''): Timestamp | undefined =>
  /^\d{1,14}$/.test(millis) ? timestamp(Number(millis)) : undefined;

const ENDING_PHASES = new Set(['Progressing', 'WaitingPromotion', 'Promoting', 'Finalising', 'Succeeded']);

type State = Required<Pick<ChangeReport, 'status'>>;

/** Returns the state of the rollout with the event's checksum, or why the event says nothing about it. */
function stateOf({ phase, metadata: { eventMessage = '' } }: Hook): State | string {
  const messageStartsWith = (...texts: string[]) => texts.some((text) => eventMessage.startsWith(text));
  // This event has the checksum of the rollout that is replaced.
  if (messageStartsWith('New revision detected! Restarting')) return { status: 'cancelled' };
  if (messageStartsWith('New revision detected!')) return 'the event names the previous rollout';
  // Flagger before 1.42 sends this event with the phase before: `Finalising`, or `Progressing` if the analysis is skipped.
  if (messageStartsWith('Promotion completed!') && ENDING_PHASES.has(phase)) return { status: 'succeeded' };
  switch (phase) {
    case 'Progressing':
    case 'WaitingPromotion':
    case 'Promoting':
    case 'Finalising':
      return { status: 'started' };
    case 'Succeeded':
      return 'the rollout has ended before';
    case 'Failed':
      return messageStartsWith('Canary failed!', 'Promotion of')
        ? { status: 'failed' }
        : 'the rollout has ended before';
    default:
      return `${phase === '' ? 'an event without a phase' : phase}: no rollout is in progress`;
  }
}
