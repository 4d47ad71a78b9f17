import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { FeatureDeps, FeatureParts } from '../manifest.ts';
import { type StatusPagePorts, withPorts as withStatusPage } from '../status-page/ports.ts';
import type { PostmortemFilesFor } from './decisions/files.ts';
import type { TrackerFor } from './decisions/issues.ts';
import type { ActionItemIssues, LanguageModel, Postmortems } from './types.ts';
import type { JiraOptions } from './vendors/jira/rest.ts';

/** What post-mortems need beyond the core. */
export type PostmortemPorts = {
  postmortems: Postmortems;
  actionItemIssues: ActionItemIssues;
  trackerFor: TrackerFor;
  postmortemFilesFor: PostmortemFilesFor;
  languageModel: LanguageModel;
  /** Checks the credentials of Jira. */
  checkJira: () => Promise<VendorResponse<null>>;
};

export type Deps = FeatureDeps & PostmortemPorts & StatusPagePorts;

/** Creates the stores of post-mortems, and the clients of what only they use. Their code is loaded with their first use. */
export function postmortemPorts({ system, table, github, counted }: FeatureParts): PostmortemPorts {
  const { clock, secrets, standIns } = system;
  const jira: JiraOptions = {
    url: () => secrets.get('JIRA_URL'),
    email: () => secrets.get('JIRA_EMAIL'),
    token: () => secrets.get('JIRA_API_TOKEN'),
    clock,
  };
  return {
    postmortems: loadedOnUse(async () => new (await import('./store.ts')).PostmortemTable(table)),
    actionItemIssues: loadedOnUse(
      async () => new (await import('./issue-store.ts')).ActionItemIssueTable(table, clock),
    ),
    async trackerFor(config) {
      if ('jira' in config) {
        const { jiraTracker } = await import('./vendors/jira/action-item-issues.ts');
        const standIn = standIns.at(await jira.url());
        return counted('trackers', { ...jiraTracker(jira, config.jira), standIn });
      }
      const { githubTracker } = await import('./vendors/github/action-item-issues.ts');
      const { repository, labels } = config.github;
      const access = await github.forRepository(repository);
      return counted('trackers', {
        ...githubTracker({ ...access, repository, labels }),
        standIn: standIns.at(access.apiUrl),
      });
    },
    async postmortemFilesFor({ github: target }) {
      const { githubFiles } = await import('./vendors/github/files.ts');
      const access = await github.forRepository(target.repository);
      return counted('trackers', { ...githubFiles(access, target), standIn: standIns.at(access.apiUrl) });
    },
    languageModel: counted(
      'prose',
      loadedOnUse(async () =>
        (await import('./vendors/chat-completions.ts')).chatCompletions({
          url: () => secrets.get('PROSE_API_URL'),
          key: () => secrets.get('PROSE_API_KEY'),
          model: () => secrets.get('PROSE_MODEL'),
          clock,
        }),
      ),
    ),
    checkJira: async () => (await import('./vendors/jira/rest.ts')).checkJira(jira),
  };
}

/** Returns the dependencies with those of post-mortems, and of the status page that shows them. */
export const withPorts = <D extends Pick<FeatureDeps, 'features'>>(deps: D): D & PostmortemPorts & StatusPagePorts => ({
  ...withStatusPage(deps),
  ...(deps.features['postmortems'] as PostmortemPorts),
});
