import { argoCd } from './argo-cd/schema.ts';
import { aws } from './aws/schema.ts';
import { github } from './github/schema.ts';
import { http } from './http-cd/schema.ts';
import { kubernetes } from './kubernetes/schema.ts';
import { launchDarkly } from './launchdarkly/schema.ts';

/**
 * All systems that roll back services or switch feature flags, as they are configured. Configuration, environment variables,
 * secrets, connections, checks by `firebreak doctor`, and tables in the docs follow from this list. It loads no client, so
 * that the description of a deployment to AWS does not either: `vendors/rollback-targets.ts` does not compile without one.
 */
export const ROLLBACK_TARGETS = [http, github, argoCd, kubernetes, launchDarkly, aws] as const;
