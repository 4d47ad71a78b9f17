import { actionItemsPage } from './postmortems/action-items.ts';
import { approvalPage } from './incidents/approval.ts';
import { auditPage } from './audit.ts';
import { canariesPage } from './canary/canaries.ts';
import { canaryPage } from './canary/canary.ts';
import { FEATURE_PAGES } from '../features.ts';
import { decisionsPage } from './incidents/decisions.ts';
import { deliveryPage } from './delivery/delivery.ts';
import { pipelinesPage } from './delivery/pipelines.ts';
import { freezesPage } from './freeze/freezes.ts';
import { inboxPage } from './inbox/inbox.ts';
import { incidentPage } from './incidents/incident.ts';
import { nowPage } from './incidents/now.ts';
import type { ConsolePage } from './page.ts';
import { postmortemPage } from './postmortems/postmortem.ts';
import { quarantinedPage } from './inbox/quarantined.ts';
import { runPage } from './runbooks/run.ts';
import { runbookPage } from './runbooks/runbook.ts';
import { runbooksPage } from './runbooks/runbooks.ts';
import { servicePage } from './services/service.ts';
import { servicesPage } from './services/services.ts';
import { settingsPage } from './settings/settings.ts';
import { sloPage } from './slo/slo.ts';
import { slosPage } from './slo/slos.ts';

/** Pages in the order of the navigation, without those of features that belong to another place. */
const LISTED: readonly ConsolePage[] = [
  nowPage,
  incidentPage,
  approvalPage,
  servicesPage,
  servicePage,
  slosPage,
  sloPage,
  canariesPage,
  canaryPage,
  ...FEATURE_PAGES.filter(({ after }) => after === undefined),
  freezesPage,
  deliveryPage,
  pipelinesPage,
  runbooksPage,
  runbookPage,
  runPage,
  actionItemsPage,
  postmortemPage,
  decisionsPage,
  inboxPage,
  quarantinedPage,
  auditPage,
  settingsPage,
];

/** All pages of the console, in the order of the navigation. */
export const PAGES = FEATURE_PAGES.filter(({ after }) => after !== undefined).reduce((pages, page) => {
  const at = pages.findIndex(({ path }) => path === page.after);
  return pages.toSpliced(at === -1 ? pages.length : at + 1, 0, page);
}, LISTED);

export const NAVIGATION = PAGES.filter(({ label }) => label !== null);
