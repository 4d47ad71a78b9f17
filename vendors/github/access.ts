import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { type AppTokens, appTokens } from './app-token.ts';
import { GITHUB_API_URL, type GithubOptions } from './rest.ts';

/** The access to GitHub: `GITHUB_API_URL`, and `GITHUB_TOKEN` or the GitHub App. Read at run time. */
export type GithubAccess = {
  /** @param tokenName the name of the secret to use exclusively */
  forRepository(repository: string, tokenName?: string): Promise<GithubOptions>;
  /** Prefers the app's token, because only the app can review its own protection rules. */
  asApp(repository: string, installation: number | null): Promise<GithubOptions>;
  /** Returns the access as the app itself, without an installation. */
  asAppWithoutInstallation(): Promise<GithubOptions>;
};

export function githubAccess({ secrets, clock }: { secrets: Secrets; clock: Clock }): GithubAccess {
  const app = appTokens({ secrets, clock });
  const optionsWith = async (token: GithubOptions['token']): Promise<GithubOptions> => ({
    apiUrl: (await secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL,
    token,
    clock,
  });
  const configuredToken = () => secrets.get('GITHUB_TOKEN');
  return {
    forRepository: (repository, tokenName) =>
      optionsWith(async () =>
        tokenName === undefined ? (await configuredToken()) || app.ofRepository(repository) : secrets.get(tokenName),
      ),
    asAppWithoutInstallation: () => optionsWith(() => app.appJwt()),
    asApp: (repository, installation) =>
      optionsWith(async () => (await appTokenFor(app, repository, installation)) ?? configuredToken()),
  };
}

const appTokenFor = (app: AppTokens, repository: string, installation: number | null): Promise<string | undefined> =>
  installation === null ? app.ofRepository(repository) : app.ofInstallation(installation);
