import type { ChatApp } from '../../domain/outlets.ts';
import type { OnCallPerson } from '../../domain/on-call.ts';
import type { Deps } from '../../domain/ports.ts';
import { ROUTING_KEY_CHARS } from '../../integrations/pagerduty/limits.ts';
import type { PeopleFile } from '../../schemas/people.ts';
import { credential, off, type Seen, told, wrong } from './seen.ts';

/** Whether Slack's app is installed with all that it needs, and where people.yaml says that people are. */
export async function slack({ directory, config }: Pick<Deps, 'directory' | 'config'>): Promise<Seen> {
  const { people } = await config.current();
  return told(directory.app(), (app) => installed(app, people));
}

function installed({ workspace, lacks }: ChatApp, { workspaces }: Pick<PeopleFile, 'workspaces'>): Seen {
  const { id, enterprise, name } = workspace;
  const problems = [
    ...(lacks === null || lacks.length === 0
      ? []
      : [
          `the app lacks scopes, and with each what is in brackets: ${lacks
            .map(({ scope, without }) => `${scope} (${without})`)
            .join(', ')}. Add them as in slack/manifest.yaml, install the app again, and set SLACK_BOT_TOKEN anew`,
        ]),
    ...(workspaces.length === 0 || id === null || [id, enterprise].some((one) => workspaces.some((own) => own === one))
      ? []
      : [
          `the app is installed in ${name} (${id}), which "workspaces" of people.yaml does not list: nobody of it is a ` +
            'member there. Add it, or set SLACK_BOT_TOKEN to the token of the workspace that is meant',
        ]),
  ];
  return problems.length > 0
    ? wrong(problems.join('. '))
    : { state: 'connected', detail: `it answers, as the app of ${name}` };
}

export const slackCommands = (deps: Pick<Deps, 'secrets'>): Promise<Seen> =>
  credential(deps, {
    key: 'SLACK_SIGNING_SECRET',
    untried: 'whether it is the app’s shows with the first command',
    without: 'commands, buttons and events of Slack are refused',
  });

export async function pagerDutyPages(deps: Pick<Deps, 'secrets'>): Promise<Seen> {
  const key = 'PAGERDUTY_ROUTING_KEY';
  const { length } = (await deps.secrets.get(key)) ?? '';
  if (length > 0 && length !== ROUTING_KEY_CHARS)
    return wrong(
      `${key} has ${length} characters, and the integration key of a service has ${ROUTING_KEY_CHARS}: nobody is paged. ` +
        'It is below Integrations, Events API v2, of the service at PagerDuty',
    );
  return credential(deps, { key, untried: 'not tried, since that would page', without: 'nobody is paged' });
}

export const pagerDutyWebhooks = (deps: Pick<Deps, 'secrets'>): Promise<Seen> =>
  credential(deps, {
    key: 'PAGERDUTY_WEBHOOK_SECRET',
    untried: 'whether it is the subscription’s shows with the first webhook',
    without: 'webhooks of PagerDuty are refused, and what people do there is not heard',
  });

/** Whether the rotas of people.yaml are there, and somebody is on call by each of them. */
export async function onCall({ onCall: rotas, config }: Pick<Deps, 'onCall' | 'config'>): Promise<Seen> {
  const teams = Object.keys((await config.current()).people.onCall);
  if (teams.length === 0)
    return off('people.yaml has no "onCall": nobody is let into channels, or gets command, for being on call');
  const seen = await Promise.all(
    teams.map(async (team) => ({ team, ...(await told(rotas.now(team), (people) => calledFirst(people))) })),
  );
  const worst = (['wrong', 'unreachable', 'off'] as const).find((state) => seen.some((one) => one.state === state));
  const shown = worst === undefined ? seen : seen.filter(({ state }) => state === worst);
  return {
    state: worst ?? 'connected',
    detail: shown.map(({ team, detail }) => `${team}: ${detail}`).join('; '),
  };
}

function calledFirst(people: readonly OnCallPerson[]): Seen {
  const first = Math.min(...people.map(({ level }) => level));
  const names = people.filter(({ level }) => level === first).map(({ name }) => name);
  if (names.length > 0) return { state: 'connected', detail: names.join(', ') };
  return wrong('nobody is on call: there is no such escalation policy or schedule at PagerDuty, or a gap in it');
}
