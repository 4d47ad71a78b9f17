import { approvalPage } from './incidents/approval.ts';
import { auditPage } from './audit.ts';
import { canariesPage } from './canary/canaries.ts';
import { canaryPage } from './canary/canary.ts';
import { withFeaturePages } from '../features.ts';
import { decisionsPage } from './incidents/decisions.ts';
import { deliveryPage } from './delivery/delivery.ts';
import { freezesPage } from './freeze/freezes.ts';
import { inboxPage } from './inbox/inbox.ts';
import { incidentPage } from './incidents/incident.ts';
import { nowPage } from './incidents/now.ts';
import type { ConsolePage } from './page.ts';
import { quarantinedPage } from './inbox/quarantined.ts';
import { runPage } from './runbooks/run.ts';
import { runbookPage } from './runbooks/runbook.ts';
import { runbooksPage } from './runbooks/runbooks.ts';
import { servicePage } from './services/service.ts';
import { servicesPage } from './services/services.ts';
import { settingsPage } from './settings/settings.ts';
import { sloPage } from './slo/slo.ts';
import { slosPage } from './slo/slos.ts';

const CORE_PAGES: readonly ConsolePage[] = [
  nowPage,
  incidentPage,
  approvalPage,
  servicesPage,
  servicePage,
  slosPage,
  sloPage,
  canariesPage,
  canaryPage,
  freezesPage,
  deliveryPage,
  runbooksPage,
  runbookPage,
  runPage,
  decisionsPage,
  inboxPage,
  quarantinedPage,
  auditPage,
  settingsPage,
];

/** All pages of the console, in the order of the navigation. */
export const PAGES: readonly ConsolePage[] = withFeaturePages(CORE_PAGES);

export const NAVIGATION = PAGES.filter(({ label }) => label !== null);
