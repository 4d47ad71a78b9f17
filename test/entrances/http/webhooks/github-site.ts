import { generateKeyPair, SignJWT } from 'jose';
import { expect } from 'vitest';
import type { Firebreak } from '../../../support/firebreak.ts';
import { seen } from '../../../support/fixtures.ts';
import type { StandIns } from '../../../../packages/sandbox/core/index.ts';
import { calls, sandbox } from '../../../../packages/sandbox/test/support.ts';
import { deliver, signed } from './github-server.ts';

type Delivered = { guid: string; request: { payload: any } };

/** The address of the stand-in. */
type Home = {
  url: string;
  tell(method: 'PUT' | 'POST', path: string, body: object): Promise<any>;
  calls(): Promise<any[]>;
};

/** The GitHub stand-in for people and for GitHub itself: it accepts pushes, and the test sends its webhooks. */
export class GithubSite {
  readonly #firebreak: Firebreak;
  readonly #home: Home;
  readonly #token: string;

  private constructor(firebreak: Firebreak, home: Home, token: string) {
    this.#firebreak = firebreak;
    this.#home = home;
    this.#token = token;
  }

  /** Uses the sandbox of the product. */
  static async of(firebreak: Firebreak): Promise<GithubSite> {
    const { body } = await firebreak.request('GET', '/sandbox', undefined, { accept: 'application/json' });
    const home: Home = {
      url: body.urls.github,
      tell: async (method, path, told) => {
        const answer = await firebreak.request(method, `/sandbox${path}`, told);
        expect(answer.status).toBeLessThan(300);
        return answer.body;
      },
      calls: () => firebreak.calls('github'),
    };
    return new GithubSite(firebreak, home, await appToken());
  }

  /** Uses separate stand-ins, which the product treats like any GitHub. */
  static async at(standIns: StandIns, firebreak: Firebreak): Promise<GithubSite> {
    const home: Home = {
      url: standIns.urls.github,
      tell: (method, path, told) => sandbox<any>(standIns, method, path, told),
      calls: async () => (await calls(standIns, '?vendor=github&limit=10000')).toReversed(),
    };
    return new GithubSite(firebreak, home, await appToken());
  }

  settings = (settings: object) => this.#tell('PUT', 'settings', settings);

  /** Pushes to main, which starts a run in the stand-in. */
  async push(repository: string, files: Record<string, string>): Promise<string> {
    return (await this.#tell('POST', 'commits', { repository, files })).sha;
  }

  runs = async (repository: string): Promise<any[]> =>
    (await this.#get(`/repos/${repository}/actions/runs`, 'ghs_test')).workflow_runs;

  /** Waits until the newest run of a commit matches. */
  run = (repository: string, sha: string, status: string): Promise<any> =>
    seen(
      async () => (await this.runs(repository)).find((run) => run.head_sha === sha && run.status === status),
      `a run of ${sha} that is ${status}`,
    );

  /** Waits until the last review of a run matches. */
  told = (run: number, is: (call: any) => boolean): Promise<any> =>
    seen(
      async () =>
        (await this.#home.calls())
          .filter(({ path }) => path.includes(`/runs/${run}/`) && path.endsWith('/deployment_protection_rule'))
          .slice(-1)
          .find(is),
      `what run ${run} was told`,
    );

  /** Sends GitHub's signed webhook for the newest waiting deployment of a repository. */
  async ask(repository: string, sha: string): Promise<{ run: number; state: string }> {
    const delivery = await seen(async () => this.#delivery(repository, sha), `a deployment of ${sha} that asks`);
    const { payload } = delivery.request;
    const { status, body } = await deliver(this.#firebreak, signed(payload));
    expect(status).toBe(202);
    return { run: Number(/\/runs\/(\d+)\//.exec(payload.deployment_callback_url)?.[1]), state: body.state };
  }

  async #delivery(repository: string, sha: string): Promise<Delivered | undefined> {
    for (const { id } of await this.#get('/app/hook/deliveries', this.#token)) {
      const delivery: Delivered = await this.#get(`/app/hook/deliveries/${id}`, this.#token);
      const { payload } = delivery.request;
      if (payload.repository.full_name === repository && payload.deployment.sha === sha) return delivery;
    }
    return undefined;
  }

  async #get(path: string, token: string): Promise<any> {
    const answer = await fetch(this.#home.url + path, {
      headers: { authorization: `Bearer ${token}`, 'user-agent': 'test' },
    });
    expect(answer.status).toBe(200);
    return answer.json();
  }

  #tell = (method: 'PUT' | 'POST', path: string, body: object): Promise<any> =>
    this.#home.tell(method, `/github/${path}`, body);
}

/** The private key of the app. */
async function appToken(): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256');
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer('1')
    .setIssuedAt(now - 60)
    .setExpirationTime(now + 480)
    .sign(privateKey);
}
