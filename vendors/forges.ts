import { github } from './github/receive.ts';
import { gitlab } from './gitlab/receive.ts';
import type { Forge } from './shared/forge.ts';

/** The hosts of Git repositories. Receivers, the API description, and the replay of quarantined webhooks follow from this list. */
export const FORGES: readonly Forge[] = [github, gitlab];
