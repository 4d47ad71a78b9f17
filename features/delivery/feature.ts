import type { Feature } from '../manifest.ts';
import { names } from './names.ts';
import { FIGURES, PAGE, RECORDS, RECORDS_CSV } from './reports.ts';
import { deliveryPorts, withPorts } from './ports.ts';

/** Days that one run rolls up. A run of the sweeper has less than a minute. */
const DAYS_PER_RUN = 500;

/** Delivery figures (DORA): which deploys failed, how fast code reaches production, and how fast service is restored. */
export const delivery: Feature = {
  name: names.feature,
  // Figures need no configuration: they are computed from recorded changes and incidents.
  isConfigured: () => true,
  ports: deliveryPorts,
  extensions: {
    digestSections: async (deps) => (await import('./actions/digest-sections.ts')).digestSections(withPorts(deps)),
  },
  // At first, it continues the backfill of older changes. A run that is interrupted is continued by the next one.
  jobs: [{ name: 'roll up deployments', run: (deps) => withPorts(deps).deployHistory.roll(DAYS_PER_RUN) }],
  routes: async () => (await import('./routes.ts')).doraRoutes,
  computes: {
    [FIGURES.name]: async () => (await import('./actions/compute.ts')).figures,
    [RECORDS.name]: async () => (await import('./actions/compute.ts')).records,
    [RECORDS_CSV.name]: async () => (await import('./actions/compute.ts')).recordsCsv,
    [PAGE.name]: async () => (await import('./actions/compute.ts')).page,
  },
  metrics: async () => (await import('./metrics.ts')).metrics,
  console: async () => ({
    after: '/console/services/:service',
    pages: [(await import('./pages/delivery.ts')).deliveryPage],
  }),
  reports: async () => (await import('./cli.ts')).addDora,
};
