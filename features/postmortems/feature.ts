import type { Feature } from '../manifest.ts';
import { names } from './names.ts';
import { postmortemPorts, withPorts } from './ports.ts';
import { POSTMORTEMS } from './reports.ts';

/** Post-mortems: drafts from the record of an incident, their publication, and the list of action items. */
export const postmortems: Feature = {
  name: names.feature,
  requires: ['status-page'],
  // Any incident can have one, also if none is required.
  isConfigured: () => true,
  ports: postmortemPorts,
  extensions: {
    systems: async (deps) => {
      const { checkJira, languageModel } = withPorts(deps);
      return { checks: { Jira: () => checkJira(), 'language model': () => languageModel.check() } };
    },
    actionItems: async (deps) => (await import('./actions/action-item-list.ts')).actionItemList(withPorts(deps)),
    forgeEvents: async (deps) => (await import('./actions/issues/receive.ts')).issueEvents(withPorts(deps)),
  },
  jobs: [
    {
      name: 'recall action items',
      run: async (deps, open) => (await import('./actions/jobs.ts')).recallActionItems(withPorts(deps), open),
    },
    {
      name: 'draft post-mortems',
      run: async (deps) => (await import('./actions/jobs.ts')).draftDuePostmortems(withPorts(deps)),
    },
    {
      name: 'compare action items with issues',
      run: async (deps) => (await import('./actions/issues/compare.ts')).compareIssues(withPorts(deps)),
    },
    {
      name: 'send reminders of post-mortems',
      run: async (deps) => (await import('./actions/jobs.ts')).remindOfPostmortems(withPorts(deps)),
    },
  ],
  projections: [
    {
      kind: 'postmortem',
      target: 'tickets',
      create: async (deps) => (await import('./projectors/file.ts')).fileProjector(withPorts(deps)),
    },
    {
      kind: 'postmortem',
      target: 'webhooks',
      create: async (deps) => (await import('./projectors/webhook.ts')).webhookProjector(withPorts(deps)),
    },
  ],
  routes: async () => (await import('./routes/index.ts')).routes,
  computes: { [POSTMORTEMS.name]: async () => (await import('./actions/compute.ts')).list },
  console: async () => (await import('./pages/index.ts')).parts,
  incidentCommands: async () => (await import('./cli/index.ts')).addCommands,
};
