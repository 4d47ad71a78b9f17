import * as z from 'zod';
import { artifactOf, artifactOfImage, partsOfImage } from '../../core/domain/changes/images.ts';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { cutText } from '../../schemas/parsing/text.ts';
import { InstantIn } from '../../schemas/time/time.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import {
  COMMIT,
  type ReceivedWebhook,
  setOr,
  unreadable,
  versionOf,
  type ChangeSender,
} from '../shared/change-webhook.ts';
import { bodyHmac } from '../shared/webhook-signature.ts';

const Name = z.string().min(1).max(253);

/** Longer values are cut. */
const METADATA_MAX_CHARS = 2048;

/**
 * An event of a Flux controller, as the notification-controller sends it to a provider of type `generic-hmac`, and as
 * `client_payload` to one of type `githubdispatch`.
 *
 * @see https://fluxcd.io/flux/components/notification/events/#event-structure
 */
const FluxEvent = z.object({
  involvedObject: z.object({ kind: z.string().min(1).max(63), namespace: Name, name: Name }),
  severity: z.enum(['trace', 'info', 'error']),
  timestamp: InstantIn,
  message: z.string().max(39_000),
  reason: z.string().max(1024),
  metadata: z
    .record(z.string(), cutText(METADATA_MAX_CHARS))
    .nullish()
    // Controllers before Flux 2.2 send the keys with the API group of the object.
    .transform((metadata) =>
      Object.fromEntries(
        Object.entries(metadata ?? {}).flatMap(([key, value]) => (value === '' ? [] : [[withoutApiGroup(key), value]])),
      ),
    ),
});
type FluxEvent = z.infer<typeof FluxEvent>;

const withoutApiGroup = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

export const fluxEvents: ChangeSender = {
  source: 'flux',
  path: '/integrations/flux/webhook',
  sends: 'events of Flux',
  // https://fluxcd.io/flux/components/notification/providers/#generic-webhook-with-hmac
  signature: bodyHmac({ secret: 'FLUX_WEBHOOK_SECRET', header: 'X-Signature', prefix: 'sha256=' }),
  read: readFluxEvent,
};

/** Reads an event of Flux. */
export function readFluxEvent({ payload, now }: Pick<ReceivedWebhook, 'payload' | 'now'>): ReadChanges {
  const parsed = FluxEvent.safeParse(payload);
  if (!parsed.success) return unreadable('event of Flux', parsed.error);
  const event = { ...parsed.data, timestamp: setOr(now, parsed.data.timestamp) };
  switch (event.involvedObject.kind) {
    case 'Kustomization':
      return readKustomization(event);
    case 'HelmRelease':
      return readHelmRelease(event);
    case 'ImageUpdateAutomation':
      return {
        ignored: 'an image automation commits to Git; the Kustomization or HelmRelease that applies it is reported',
      };
    default:
      return { ignored: `events of a ${event.involvedObject.kind} are no changes` };
  }
}

/** Reasons of a Kustomization before its new revision is applied, or after which the controller tries again soon. */
const WAITING_REASONS = new Set(['DependencyNotReady', 'HealthCheckCanceled', 'Suspended']);

/**
 * A Kustomization sends `Progressing` when the revision changes objects and when health checks pass, an error when one
 * of these fails, and `ReconciliationSucceeded` after each reconciliation.
 */
function readKustomization(event: FluxEvent): ReadChanges {
  const { metadata, reason, severity, message } = event;
  const revision = metadata['revision'];
  if (revision === undefined) return { ignored: 'the event names no revision' };
  if (WAITING_REASONS.has(reason)) return { ignored: `${reason}: nothing was applied` };
  if (severity === 'trace') return { ignored: 'a trace event' };
  // Without conditions, the controllers up to Flux 2.1 send the severity as the reason.
  const isEnd =
    reason === 'ReconciliationSucceeded' || /^(?:Health check passed|Reconciliation finished)/.test(message);
  const status = severity === 'error' ? 'failed' : isEnd ? 'succeeded' : 'started';
  const { commit, ...named } = partsOfRevision(metadata['originRevision'] ?? revision);
  return {
    reports: [
      {
        ...commonFields(event),
        key: keyOf(event, revision),
        object: keyOf(event, ''),
        status,
        // Each later reconciliation of the same revision sends its result, too.
        ...(status === 'succeeded' && { final: true }),
        ...versionFields(event, named),
        ...(commit !== undefined && { commit }),
        ...(status === 'started' && { started_at: event.timestamp }),
      },
    ],
  };
}

/** Reports of a HelmRelease by the reason of its event. Absent: the event changes no version. */
const HELM_OUTCOMES: Partial<Record<string, Pick<ChangeReport, 'status' | 'kind'>>> = {
  InstallSucceeded: { status: 'succeeded' },
  UpgradeSucceeded: { status: 'succeeded' },
  RollbackSucceeded: { status: 'succeeded', kind: 'rollback' },
  InstallFailed: { status: 'failed' },
  UpgradeFailed: { status: 'failed' },
  RollbackFailed: { status: 'failed', kind: 'rollback' },
};

/** What Flux up to 2.1 did, by its message. */
const EARLIER_ACTION = /^Helm (install|upgrade|rollback) (succeeded|failed)\b/;

/**
 * Returns the reason of an event as current controllers send it. Up to Flux 2.1, `reason` is the severity, and only the
 * message says what happened.
 */
function helmReasonOf({ reason, message }: FluxEvent): string {
  if (reason !== 'info' && reason !== 'error') return reason;
  if (message.startsWith('diff in cluster resources compared to release')) return 'DriftDetected';
  const [, action = '', outcome = ''] = EARLIER_ACTION.exec(message) ?? [];
  // Such an event of a rollback names the version that failed, and not the one that runs again.
  if (action === 'rollback') return `a rollback by Flux before 2.2 (${outcome})`;
  // Without names and errors: it is counted by its text.
  const what = /^[\w ]*/.exec(message)?.[0].trim() ?? '';
  return action === '' ? `${reason} (${what})` : capitalized(action) + capitalized(outcome);
}

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** The name of a release with its number: `… for release apps/webapp.v7 with chart …`. */
const RELEASE = / for release \S+\.v(\d{1,9}) with chart /;

/** A HelmRelease sends one event at the end of each Helm action. Its revision is the version of the chart. */
function readHelmRelease(event: FluxEvent): ReadChanges {
  const { metadata, message, timestamp } = event;
  const reason = helmReasonOf(event);
  if (reason === 'DriftDetected') return { reports: [driftOf(event)] };
  const outcome = HELM_OUTCOMES[reason];
  if (outcome === undefined) return { ignored: `${reason} of a HelmRelease changes no version` };
  const { revision, token } = metadata;
  if (revision === undefined) return { ignored: 'the event names no revision' };
  const release = RELEASE.exec(message)?.[1];
  const identity =
    outcome.kind === 'rollback'
      ? `${reason} ${timestamp}`
      : outcome.status === 'failed'
        ? `${reason} ${revision} ${token ?? ''}` // the controller repeats a failed action
        : release === undefined
          ? `${reason} ${timestamp}` // sent once; `token` is of the values, which can come back
          : `v${release}`;
  const { 'app-version': version } = metadata;
  // Several charts can have the same version of the application. What follows a plus sign is of the build, or of the repository.
  const artifact = version === undefined ? undefined : `chart ${revision.split(/[+@]/)[0]}`;
  const named = { version: version ?? revision, artifact };
  return {
    reports: [{ ...commonFields(event), ...outcome, key: keyOf(event, identity), ...versionFields(event, named) }],
  };
}

/** Returns the version by the tag of the image that annotations name, or else as Flux names it. */
const versionFields = (event: FluxEvent, named: { version: string; artifact: string | undefined }) => {
  const { image = '' } = event.metadata;
  const { tag } = partsOfImage(image);
  const artifact =
    tag === undefined ? artifactOf(`flux ${keyOf(event, '')}`, named.artifact) : artifactOfImage('flux', image);
  return { version: versionOf(tag ?? named.version), ...(artifact && { artifact }) };
};

/** The cluster differs from the release: its objects were changed by others. */
const driftOf = (event: FluxEvent): ChangeReport => ({
  ...commonFields(event),
  source: 'drift',
  key: `flux ${keyOf(event, `${event.metadata['revision'] ?? ''} ${event.timestamp}`)}`,
  kind: 'config',
  status: 'succeeded',
  version: versionOf(event.metadata['app-version'] ?? event.metadata['revision'] ?? 'drift'),
});

/** `service`, `environment`, and `cluster` are not Flux's own: an Alert adds them by `spec.eventMetadata`. */
function commonFields({ involvedObject, timestamp, metadata }: FluxEvent) {
  const { service, environment, image } = metadata;
  return {
    source: 'flux',
    at: timestamp,
    subject: {
      fluxObject: objectOf(involvedObject),
      ...(service && { service }),
      ...(environment && { environment }),
    },
    ...(image && { images: [image] }),
  } as const;
}

const objectOf = ({ kind, namespace, name }: FluxEvent['involvedObject']): string => `${kind}/${namespace}/${name}`;

const keyOf = ({ involvedObject, metadata }: FluxEvent, identity: string): string =>
  [metadata['cluster'], objectOf(involvedObject), identity]
    .filter((part) => part)
    .join(' ')
    .slice(0, 2048);

/**
 * Returns the commit of a revision, or the digest behind its tag, and the version to show for it. Formats: `main@sha1:<commit>`,
 * `main/<commit>` of older controllers, and `1.2.3@sha256:<digest>` of OCI artifacts.
 *
 * @see https://github.com/fluxcd/flux2/tree/main/rfcs/0005-artifact-revision-and-digest
 */
function partsOfRevision(revision: string): { commit?: string; version: string; artifact: string | undefined } {
  const [, commit = ''] = /(?:^|[:/])([0-9a-f]+)$/.exec(revision) ?? [];
  if (COMMIT.test(commit) && !revision.includes('@sha256:')) return { commit, version: commit, artifact: undefined };
  const [tag, digest] = revision.split('@', 2);
  const isNamed = tag !== undefined && tag !== '' && tag !== 'latest';
  return isNamed ? { version: tag, artifact: digest } : { version: digest ?? revision, artifact: undefined };
}
