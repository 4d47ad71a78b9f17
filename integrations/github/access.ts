import type { Clock, Secrets } from '../../domain/ports.ts';
import { type AppTokens, appTokens } from './app-token.ts';
import { GITHUB_API_URL, type GithubOptions } from './rest.ts';

/** How GitHub is reached: `GITHUB_API_URL`, and `GITHUB_TOKEN` or the GitHub App. Read at run time. */
export type GithubAccess = {
  /** @param tokenName of a secret that is taken, and no other */
  to(repository: string, tokenName?: string): Promise<GithubOptions>;
  /** Only an app may answer for its own protection rules, so it goes first. */
  asApp(repository: string, installation: number | null): Promise<GithubOptions>;
  /** What belongs to the app and to no installation. */
  itself(): Promise<GithubOptions>;
};

export function githubAccess({ secrets, clock }: { secrets: Secrets; clock: Clock }): GithubAccess {
  const app = appTokens({ secrets, clock });
  const through = async (token: GithubOptions['token']): Promise<GithubOptions> => ({
    apiUrl: (await secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL,
    token,
    clock,
  });
  const own = () => secrets.get('GITHUB_TOKEN');
  return {
    to: (repository, tokenName) =>
      through(async () =>
        tokenName === undefined ? (await own()) || app.ofRepository(repository) : secrets.get(tokenName),
      ),
    itself: () => through(() => app.itself()),
    asApp: (repository, installation) => through(async () => (await ofApp(app, repository, installation)) ?? own()),
  };
}

const ofApp = (app: AppTokens, repository: string, installation: number | null): Promise<string | undefined> =>
  installation === null ? app.ofRepository(repository) : app.ofInstallation(installation);
