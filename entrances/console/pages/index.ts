import { approvalPage } from './incidents/approval.ts';
import { auditPage } from './audit.ts';
import { automationPage } from './automation.ts';
import { withFeaturePages } from '../features.ts';
import { decisionsPage } from './incidents/decisions.ts';
import { docsPage } from './docs/docs.ts';
import { findPage } from './find/find.ts';
import { inboxPage } from './inbox/inbox.ts';
import { declarePage } from './incidents/declare.ts';
import { incidentPage } from './incidents/incident.ts';
import { incidentsPage } from './incidents/list.ts';
import { nowPage } from './incidents/now.ts';
import type { ConsolePage } from './page.ts';
import { quarantinedPage } from './inbox/quarantined.ts';
import { runPage } from './runbooks/run.ts';
import { runbookPage } from './runbooks/runbook.ts';
import { runbooksPage } from './runbooks/runbooks.ts';
import { servicePage } from './services/service.ts';
import { servicesPage } from './services/services.ts';
import { settingsPage } from './settings/settings.ts';

const CORE_PAGES: readonly ConsolePage[] = [
  nowPage,
  incidentsPage,
  declarePage,
  incidentPage,
  approvalPage,
  automationPage,
  findPage,
  docsPage,
  servicesPage,
  servicePage,
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
