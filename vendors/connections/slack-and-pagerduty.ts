import type { ChatApp, Directory } from '../../core/domain/ports/chat.ts';
import type { OnCallPerson } from '../../core/domain/people/on-call.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { ROUTING_KEY_CHARS } from '../pagerduty/limits.ts';
import type { PeopleFile } from '../../schemas/people/people.ts';
import { credential, type CredentialDeps, off, type CheckResult, checked, wrong } from './check-result.ts';

/** Checks that the Slack app has all scopes, and is installed in a workspace of people.yaml. */
export async function slack({
  directory,
  config,
}: Pick<Deps, 'config'> & { directory: Directory }): Promise<CheckResult> {
  const { people } = await config.current();
  return checked(directory.app(), (app) => installed(app, people));
}

function installed({ workspace, lacks }: ChatApp, { workspaces }: Pick<PeopleFile, 'workspaces'>): CheckResult {
  const { id, enterprise, name } = workspace;
  const problems = [
    ...(lacks === null || lacks.length === 0
      ? []
      : [
          `the app lacks these scopes (with the effect in brackets): ${lacks
            .map(({ scope, without }) => `${scope} (${without})`)
            .join(
              ', ',
            )}. Add them as in entrances/slack/manifest.yaml, reinstall the app, and set the new SLACK_BOT_TOKEN`,
        ]),
    ...(workspaces.length === 0 || id === null || [id, enterprise].some((one) => workspaces.some((own) => own === one))
      ? []
      : [
          `the app is installed in ${name} (${id}), which is not in "workspaces" of people.yaml, so none of its users has a ` +
            'role. Add the workspace, or set SLACK_BOT_TOKEN to the token of the right workspace',
        ]),
  ];
  return problems.length > 0
    ? wrong(problems.join('. '))
    : { state: 'connected', detail: `reachable; the app is installed in ${name}` };
}

export const slackCommands = (deps: CredentialDeps): Promise<CheckResult> =>
  credential(deps, {
    key: 'SLACK_SIGNING_SECRET',
    signs: 'several',
    notTested: 'the first command from Slack shows whether it is correct',
    without: 'Firebreak refuses commands, buttons, and events from Slack',
  });

export async function pagerDutyPages(deps: CredentialDeps): Promise<CheckResult> {
  const key = 'PAGERDUTY_ROUTING_KEY';
  const { length } = (await deps.secrets.get(key)) ?? '';
  if (length > 0 && length !== ROUTING_KEY_CHARS)
    return wrong(
      `${key} has ${length} characters, but an integration key has ${ROUTING_KEY_CHARS}, so no pages are sent. ` +
        'Copy the key from the PagerDuty service: Integrations, Events API v2',
    );
  return credential(deps, { key, notTested: 'not tested, because a test would page', without: 'no pages are sent' });
}

export const pagerDutyWebhooks = (deps: CredentialDeps): Promise<CheckResult> =>
  credential(deps, {
    key: 'PAGERDUTY_WEBHOOK_SECRET',
    signs: 'several',
    notTested: 'the first webhook from PagerDuty shows whether it is correct',
    without: 'Firebreak refuses webhooks from PagerDuty, and does not see actions there',
  });

/** Checks that the on-call rotations of people.yaml exist, and that each has an on-call responder now. */
export async function onCall({ onCall: rotations, config }: Pick<Deps, 'onCall' | 'config'>): Promise<CheckResult> {
  const teams = Object.keys((await config.current()).people.onCall);
  if (teams.length === 0)
    return off('people.yaml has no "onCall", so on-call responders are not invited to channels and do not get command');
  const checks = await Promise.all(
    teams.map(async (team) => ({ team, ...(await checked(rotations.now(team), (people) => firstResponders(people))) })),
  );
  const worst = (['wrong', 'unreachable', 'off'] as const).find((state) => checks.some((one) => one.state === state));
  const shown = worst === undefined ? checks : checks.filter(({ state }) => state === worst);
  return {
    state: worst ?? 'connected',
    detail: shown.map(({ team, detail }) => `${team}: ${detail}`).join('; '),
  };
}

function firstResponders(people: readonly OnCallPerson[]): CheckResult {
  const first = Math.min(...people.map(({ level }) => level));
  const names = people.filter(({ level }) => level === first).map(({ name }) => name);
  if (names.length > 0) return { state: 'connected', detail: names.join(', ') };
  return wrong('no one is on call: the escalation policy or schedule does not exist at PagerDuty, or has a gap now');
}
