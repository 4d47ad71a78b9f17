import type { AwsTargets } from '../../../integrations/aws/permissions.ts';

/** By stage. A stage that is not listed has no AWS targets. */
export const AWS_TARGETS: Readonly<Record<string, AwsTargets>> = {};
