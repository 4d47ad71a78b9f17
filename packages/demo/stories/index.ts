import { badDeploy } from './bad-deploy.ts';
import { dependencyOutage } from './dependency-outage.ts';
import { kill9 } from './kill-9.ts';
import { manyAtOnce } from './many-at-once.ts';
import { migration } from './migration.ts';
import { slackDown } from './slack-down.ts';
import type { Story } from '../stage.ts';

/** Stories in the order of the list. The first is the default. */
export const stories: readonly Story[] = [badDeploy, migration, dependencyOutage, slackDown, manyAtOnce, kill9];
