import type { AnyVerb } from '../entrances/slack/commands/verb.ts';
import { verbs as canary } from './canary/slack/verbs.ts';
import { verbs as experiments } from './experiments/slack/verbs.ts';
import { verbs as freeze } from './freeze/slack/verbs.ts';

const LIST: readonly Readonly<Record<string, AnyVerb>>[] = [canary, experiments, freeze];

/**
 * The Slack verbs of features, by name. They are apart from the manifests, so that the function that answers Slack within
 * three seconds reads nothing else of features at a cold start. To leave a feature out, delete its entry here, too.
 */
export const FEATURE_VERBS: Readonly<Record<string, AnyVerb>> = Object.fromEntries(
  LIST.flatMap((verbs) => Object.entries(verbs)),
);
