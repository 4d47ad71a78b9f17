import { FUNCTIONS, type FunctionName } from '../assembly/functions.ts';
import { CONSOLE_PATHS, STATUS_PATHS } from '../assembly/resources.ts';
import { slackDeps, type SlackParts } from '../assembly/slack-deps.ts';
import type { Deps } from '../domain/ports/deps.ts';
import { SUBSCRIPTIONS_PATH } from '../domain/status/subscriptions/links.ts';
import { api } from '../http/app.ts';
import { statusApp } from '../http/status/routes.ts';
import { subscriptionsApp } from '../http/status/subscriptions/routes.ts';
import { slackApp } from '../slack/app.ts';
import { fetchOf } from '../slack/requests/http.ts';
import type { App, FrontOptions } from './front/front.ts';

/** Returns the apps that answer requests: those of the functions, by the paths that they get. */
export function appsOf(deps: Deps, slackParts: SlackParts): Pick<FrontOptions, 'app' | 'appsByPrefix'> {
  const console = appOf('console', () => consoleOf(deps));
  return {
    app: appOf('http', () => api(deps)),
    appsByPrefix: {
      '/integrations/slack/': appOf('slack', () => ({ fetch: fetchOf(slackApp(slackDeps(slackParts))) })),
      [`${SUBSCRIPTIONS_PATH}/`]: appOf('subscriptions', () => subscriptionsApp(deps)),
      [STATUS_PATHS[0]]: appOf('status', () => statusApp(deps)),
      ...Object.fromEntries(CONSOLE_PATHS.map((path) => [path, console])),
    },
  };
}

/** Returns the console. Its pages are loaded by the first request: they are a tenth of all files. */
async function consoleOf(deps: Deps): Promise<Fetches> {
  const { consoleApp } = await import('../http/web/routes.ts');
  const { signIn } = await import('../integrations/oidc/sign-in.ts');
  return consoleApp({ ...deps, signIn: signIn(deps) });
}

type Fetches = Pick<App, 'fetch'>;

/** Returns the app of a function, which is built at the first request, with its timeout. */
function appOf(name: FunctionName, build: () => Fetches | Promise<Fetches>): App {
  let built: Fetches | Promise<Fetches> | undefined;
  return {
    fetch: async (request, sender) => (await (built ??= build())).fetch(request, sender),
    timeoutSeconds: FUNCTIONS[name].timeoutSeconds,
  };
}
