import type { ChangeSender } from '../shared/change-webhook.ts';

export const awsEvents: ChangeSender = {
  source: 'aws',
  path: '/integrations/eventbridge/webhook',
  sends: 'events of Amazon EventBridge',
  read: async (webhook) => (await import('./deployment-events.ts')).readAwsEvent(webhook), // with a parser of YAML, for AppSpecs
};
