import { argoCdNotifications } from './argo-cd/notification.ts';
import { argoRolloutsNotifications } from './argo-rollouts/notification.ts';
import { fluxEvents } from './flux/event.ts';
import { cdEvents } from './cdevents/event.ts';
import { awsEvents } from './aws/change-sender.ts';
import { launchDarklyEntries } from './launchdarkly/webhook.ts';
import { goFeatureFlagNotifications } from './go-feature-flag/webhook.ts';
import { terraformNotifications } from './terraform/notification.ts';
import type { ChangeSender } from './shared/change-webhook.ts';

/**
 * The systems that report changes in a format of their own, besides forges. Receivers, the API description, and the
 * replay of quarantined webhooks follow from this list.
 */
export const CHANGE_SENDERS: readonly ChangeSender[] = [
  argoCdNotifications,
  argoRolloutsNotifications,
  fluxEvents,
  cdEvents,
  awsEvents,
  launchDarklyEntries,
  goFeatureFlagNotifications,
  terraformNotifications,
];
