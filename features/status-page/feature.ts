import type { Feature } from '../manifest.ts';
import { isMirrored, names } from './names.ts';
import { statusPagePorts, withPorts } from './ports.ts';

/** Public status pages with feeds and subscribers, and what Atlassian Statuspage shows. */
export const statusPage: Feature = {
  name: names.feature,
  isConfigured: (config) => isMirrored(config) || config.statusPage.pages !== undefined,
  ports: statusPagePorts,
  extensions: {
    publicPages: async (deps) => (await import('./actions/public-pages.ts')).publicPages(withPorts(deps)),
    systems: async (deps) => ({
      checks: {
        Statuspage: async () => (await import('./actions/check-components.ts')).checkComponents(withPorts(deps)),
      },
    }),
  },
  jobs: [
    {
      name: 'watch components',
      run: async (deps) => (await import('./actions/watch-components.ts')).watchComponents(withPorts(deps)),
    },
    {
      name: 'announce maintenance',
      run: async (deps) => (await import('./actions/subscriptions/announce-maintenance.ts')).announceMaintenance(deps),
    },
    {
      name: 'mirror maintenance',
      run: async (deps) => (await import('./projectors/statuspage/wake-maintenance.ts')).mirrorMaintenance(deps),
    },
    {
      name: 'compare the status page with SLIs',
      run: async (deps, open) => (await import('./actions/compare-pages.ts')).comparePages(withPorts(deps), open),
    },
  ],
  projections: [
    {
      target: 'statuspage',
      create: async (deps) =>
        (await import('./projectors/statuspage/statuspage.ts')).statuspageProjector(withPorts(deps)),
    },
    {
      target: 'status',
      create: async (deps) => (await import('./projectors/status.ts')).statusProjector(withPorts(deps)),
    },
    {
      target: 'subscribers',
      parallel: 4,
      create: async (deps) =>
        (await import('./projectors/subscribers/subscribers.ts')).subscribersProjector(withPorts(deps)),
    },
  ],
  apps: {
    status: async (deps) => (await import('./pages/routes.ts')).statusApp(withPorts(deps)),
    subscriptions: async (deps) => (await import('./pages/subscriptions/routes.ts')).subscriptionsApp(withPorts(deps)),
  },
  schedules: { snapshot: async (deps) => (await import('./actions/take-snapshot.ts')).snapshotJob(withPorts(deps)) },
  routes: async () => (await import('./routes.ts')).statusPageRoutes,
  console: async () => (await import('./pages/console.ts')).parts,
  commands: async () => (await import('./cli/import.ts')).addImport,
  commandsAfter: { import: 'doctor' },
  lints: {
    'status-page': async (config, { locate }) => (await import('./decisions/lint.ts')).lintStatusPage(config, locate),
  },
};
