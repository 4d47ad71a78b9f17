import { actionItems } from './action-items.ts';
import { approval } from './approval.ts';
import { audit } from './audit.ts';
import { canaries } from './canaries.ts';
import { canaryPage } from './canary.ts';
import { experiment } from './experiment.ts';
import { experiments } from './experiments.ts';
import { digest } from './digest.ts';
import { decisions } from './decisions.ts';
import { delivery } from './delivery.ts';
import { pipelines } from './pipelines.ts';
import { freezes } from './freezes.ts';
import { inbox } from './inbox.ts';
import { incident } from './incident.ts';
import { now } from './now.ts';
import type { ConsolePage } from './page.ts';
import { postmortem } from './postmortem.ts';
import { quarantined } from './quarantined.ts';
import { run } from './run.ts';
import { runbook } from './runbook.ts';
import { runbooks } from './runbooks.ts';
import { service } from './service.ts';
import { services } from './services.ts';
import { settings } from './settings.ts';
import { slo } from './slo.ts';
import { slos } from './slos.ts';

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
