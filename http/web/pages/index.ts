import { actionItems } from './postmortems/action-items.ts';
import { approval } from './incidents/approval.ts';
import { audit } from './audit.ts';
import { canaries } from './canary/canaries.ts';
import { canaryPage } from './canary/canary.ts';
import { experiment } from './experiments/experiment.ts';
import { experiments } from './experiments/experiments.ts';
import { digest } from './digest.ts';
import { decisions } from './incidents/decisions.ts';
import { delivery } from './delivery/delivery.ts';
import { pipelines } from './delivery/pipelines.ts';
import { freezes } from './freeze/freezes.ts';
import { inbox } from './inbox/inbox.ts';
import { incident } from './incidents/incident.ts';
import { now } from './incidents/now.ts';
import type { ConsolePage } from './page.ts';
import { postmortem } from './postmortems/postmortem.ts';
import { quarantined } from './inbox/quarantined.ts';
import { run } from './runbooks/run.ts';
import { runbook } from './runbooks/runbook.ts';
import { runbooks } from './runbooks/runbooks.ts';
import { service } from './services/service.ts';
import { services } from './services/services.ts';
import { settings } from './settings/settings.ts';
import { slo } from './slo/slo.ts';
import { slos } from './slo/slos.ts';

/** All pages of the console, in the order of the navigation. */
export const PAGES: readonly ConsolePage[] = [
  now,
  incident,
  approval,
  services,
  service,
  slos,
  slo,
  canaries,
  canaryPage,
  experiments,
  experiment,
  freezes,
  delivery,
  pipelines,
  runbooks,
  runbook,
  run,
  digest,
  actionItems,
  postmortem,
  decisions,
  inbox,
  quarantined,
  audit,
  settings,
];

export const NAVIGATION = PAGES.filter(({ label }) => label !== null);
