import { actionItemsPage } from './postmortems/action-items.ts';
import { approvalPage } from './incidents/approval.ts';
import { auditPage } from './audit.ts';
import { canariesPage } from './canary/canaries.ts';
import { canaryPage } from './canary/canary.ts';
import { FEATURE_PAGES } from '../features.ts';
import { digestPage } from './digest.ts';
import { decisionsPage } from './incidents/decisions.ts';
import { deliveryPage } from './delivery/delivery.ts';
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

/** All pages of the console, in the order of the navigation. */
export const PAGES: readonly ConsolePage[] = [
  nowPage,
  incidentPage,
  approvalPage,
  servicesPage,
  servicePage,
  slosPage,
  sloPage,
  canariesPage,
  canaryPage,
  ...FEATURE_PAGES,
  freezesPage,
  deliveryPage,
  runbooksPage,
  runbookPage,
  runPage,
  digestPage,
  actionItemsPage,
  postmortemPage,
  decisionsPage,
  inboxPage,
  quarantinedPage,
  auditPage,
  settingsPage,
];

export const NAVIGATION = PAGES.filter(({ label }) => label !== null);
