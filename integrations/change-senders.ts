import type { ReportSource } from '../schemas/changes/change-report.ts';
import type { SigningSecretName } from '../schemas/config/variables.ts';
import { readArgoCdNotification } from './argo-cd/notification.ts';
import { readArgoRolloutsNotification } from './argo-rollouts/notification.ts';
import { readAwsEvent } from './aws/deployment-events.ts';
import { readCdEvent } from './cdevents/event.ts';
import { readFluxEvent } from './flux/event.ts';
import { readGoFeatureFlag } from './go-feature-flag/webhook.ts';
import { readLaunchDarklyEntry } from './launchdarkly/webhook.ts';
import { hasValidHmac, type ReadChanges, type ReceivedWebhook } from './shared/change-webhook.ts';
import { readTerraformNotification } from './terraform/notification.ts';

/** How a sender proves its identity: by a token of Firebreak, or by a signature of the body with a shared secret. */
export type Proof =
  | { kind: 'token' }
  | {
      kind: 'signature';
      secret: SigningSecretName;
      header: string;
      /** The form of a signature, which is checked before the body is read. */
      form: RegExp;
      isSigned: (body: Uint8Array, signature: string, secrets: string) => boolean;
    };

/** A system that reports changes by a webhook. */
export type ChangeSender = {
  source: ReportSource;
  path: string;
  /** Name of what it sends, for the API description. */
  sends: string;
  proof: Proof;
  read: (webhook: ReceivedWebhook) => ReadChanges;
};

/** A signature that names its hash function: `sha256=<hex>`. */
const NAMED_SHA256 = /^sha256=([0-9a-f]{64})$/i;

/**
 * The systems that report changes in a format of their own, besides GitHub and GitLab. Receivers, the API description,
 * and the replay of quarantined webhooks follow from this list.
 */
export const CHANGE_SENDERS: readonly ChangeSender[] = [
  {
    source: 'argo-cd',
    path: '/integrations/argo-cd/webhook',
    sends: 'notifications of Argo CD',
    proof: { kind: 'token' },
    read: readArgoCdNotification,
  },
  {
    source: 'argo-rollouts',
    path: '/integrations/argo-rollouts/webhook',
    sends: 'notifications of Argo Rollouts',
    proof: { kind: 'token' },
    read: readArgoRolloutsNotification,
  },
  {
    source: 'flux',
    path: '/integrations/flux/webhook',
    sends: 'events of Flux',
    proof: {
      kind: 'signature',
      secret: 'FLUX_WEBHOOK_SECRET',
      header: 'X-Signature',
      form: NAMED_SHA256,
      // https://fluxcd.io/flux/components/notification/providers/#generic-webhook-with-hmac
      isSigned: (body, signature, secrets) => hasValidHmac('sha256', body, NAMED_SHA256.exec(signature)?.[1], secrets),
    },
    read: readFluxEvent,
  },
  {
    source: 'cdevents',
    path: '/integrations/cdevents',
    sends: 'CDEvents',
    proof: { kind: 'token' },
    read: readCdEvent,
  },
  {
    source: 'aws',
    path: '/integrations/eventbridge/webhook',
    sends: 'events of Amazon EventBridge',
    proof: { kind: 'token' },
    read: readAwsEvent,
  },
  {
    source: 'launchdarkly',
    path: '/integrations/launchdarkly/webhook',
    sends: 'audit log entries of LaunchDarkly',
    proof: {
      kind: 'signature',
      secret: 'LAUNCHDARKLY_WEBHOOK_SECRET',
      header: 'X-LD-Signature',
      form: /^[0-9a-f]{64}$/i,
      // https://launchdarkly.com/docs/api/webhooks#signing-the-webhook
      isSigned: (body, signature, secrets) => hasValidHmac('sha256', body, signature, secrets),
    },
    read: readLaunchDarklyEntry,
  },
  {
    source: 'flags',
    path: '/integrations/go-feature-flag/webhook',
    sends: 'notifications of GO Feature Flag',
    proof: {
      kind: 'signature',
      secret: 'GO_FEATURE_FLAG_WEBHOOK_SECRET',
      header: 'X-Hub-Signature-256',
      form: NAMED_SHA256,
      // https://gofeatureflag.org/docs/integrations/notify-flags-changes/webhook#signature
      isSigned: (body, signature, secrets) => hasValidHmac('sha256', body, NAMED_SHA256.exec(signature)?.[1], secrets),
    },
    read: readGoFeatureFlag,
  },
  {
    source: 'terraform',
    path: '/integrations/terraform/webhook',
    sends: 'notifications of HCP Terraform',
    proof: {
      kind: 'signature',
      secret: 'TERRAFORM_WEBHOOK_SECRET',
      header: 'X-TFE-Notification-Signature',
      form: /^[0-9a-f]{128}$/i,
      // https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-authenticity
      isSigned: (body, signature, secrets) => hasValidHmac('sha512', body, signature, secrets),
    },
    read: readTerraformNotification,
  },
];
