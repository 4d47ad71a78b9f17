import type { FeatureNames } from '../feature-names.ts';
import { StatusPageFile } from './schemas/status-page-file.ts';

type Services = Readonly<Record<string, { statusPage?: object | undefined }>>;
type UsedBy = { services: Services; statusPage: StatusPageFile };

/** Returns whether the status page of any service is configured. */
const hasComponents = ({ services }: Pick<UsedBy, 'services'>): boolean =>
  Object.values(services).some(({ statusPage }) => statusPage !== undefined);

/** Returns whether any page has subscribers. */
export const hasSubscriptions = ({ statusPage }: Pick<UsedBy, 'statusPage'>): boolean =>
  Object.values(statusPage.pages ?? {}).some(({ subscriptions }) => subscriptions.length > 0);

/** Returns whether anything is shown at Atlassian Statuspage, once it is connected. */
export const isMirrored = (config: UsedBy): boolean =>
  config.statusPage.maintenance.length > 0 || hasComponents(config);

/** The names of public status pages. */
export const names = {
  feature: 'status-page',
  actions: { 'subscribers:write': [] },
  deciding: ['subscribers:write'],
  config: { statusPage: StatusPageFile.prefault({}) },
  files: {
    'status-page': {
      key: 'statusPage',
      schema: StatusPageFile,
      title: 'Public status page',
      docs: 'docs/reference/showing.md',
    },
  },
  usesTarget: { statuspage: isMirrored, status: hasComponents, subscribers: hasSubscriptions },
} as const satisfies FeatureNames;
