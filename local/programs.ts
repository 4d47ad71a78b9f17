import { loadedOnce } from '../core/domain/concurrency.ts';
import { featureApp } from '../functions/assembly/features.ts';
import { FUNCTIONS, type FunctionName } from '../functions/assembly/functions.ts';
import { CONSOLE_PATHS, STATUS_PATHS, SUBSCRIPTIONS_PATH } from '../functions/assembly/resources.ts';
import type { SlackParts } from '../functions/assembly/slack-deps.ts';
import type { Product } from '../functions/assembly/product.ts';
import { api } from '../entrances/http/app.ts';
import type { App, FrontOptions } from './front/front.ts';

/** Returns the apps that answer requests: those of the functions, by the paths that they get. */
export function appsOf(deps: Product, slackParts: SlackParts): Pick<FrontOptions, 'app' | 'appsByPrefix'> {
  const console = appOf('console', () => consoleOf(deps));
  return {
    app: appOf('http', () => api(deps)),
    appsByPrefix: {
      '/integrations/slack/': appOf('slack', () => slackOf(slackParts)),
      [`${SUBSCRIPTIONS_PATH}/`]: appOf('subscriptions', () => featureApp('subscriptions', deps)),
      [STATUS_PATHS[0]]: appOf('status', () => featureApp('status', deps)),
      ...Object.fromEntries(CONSOLE_PATHS.map((path) => [path, console])),
    },
  };
}

/** Returns the console. Its pages are loaded by the first request: they are a tenth of all files. */
async function consoleOf(deps: Product): Promise<Fetches> {
  const { consoleApp } = await import('../entrances/console/routes.ts');
  const { signIn } = await import('../vendors/oidc/sign-in.ts');
  return consoleApp({ ...deps, signIn: signIn(deps) });
}

/** Returns what answers Slack, which is loaded with its first request. */
async function slackOf(parts: SlackParts): Promise<Fetches> {
  const [{ slackApp }, { slackDeps }, { fetchOf }] = await Promise.all([
    import('../entrances/slack/app.ts'),
    import('../functions/assembly/slack-deps.ts'),
    import('../entrances/slack/requests/http.ts'),
  ]);
  return { fetch: fetchOf(slackApp(slackDeps(parts))) };
}

type Fetches = Pick<App, 'fetch'>;

/** Returns the app of a function, which is built at the first request, with its timeout. */
function appOf(name: FunctionName, build: () => Fetches | Promise<Fetches>): App {
  const built = loadedOnce(build);
  return {
    fetch: async (request, sender) => (await built()).fetch(request, sender),
    timeoutSeconds: FUNCTIONS[name].timeoutSeconds,
  };
}
