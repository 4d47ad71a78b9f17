import { automationText, environmentCap, limitInput } from '../../../core/domain/automation/automation.ts';
import { inConfiguredSpelling, type NamingConfig } from '../../../core/domain/catalogue/known-names.ts';
import { capitalized } from '../../../core/domain/messages/decision-lines.ts';
import { html } from 'hono/html';
import * as z from 'zod';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import { setAutomation } from '../../../core/actions/automation/set-automation.ts';
import type { Automation } from '../../../schemas/access/access.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, Mode, ServiceName } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Viewer } from '../../http/context.ts';
import {
  actionForm,
  ago,
  type Cells,
  choiceField,
  type Html,
  modeBadge,
  nothing,
  onDemand,
  panel,
  servicePath,
  tableOf,
} from '../parts.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { once } from '../once.ts';
import {
  changedSince,
  type ConsoleDeps,
  type ConsolePage,
  fields,
  filled,
  type PageAction,
  refuseForeignEnvironment,
  type Sent,
} from './page.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

export const AUTOMATION_PATH = '/console/automation';

/** The scope of a limit that applies to all services. No service has this name. */
const ALL = '*';

const Reason = filled('say why, so that others know when to change it').max(2000);

const SWITCH_FIELDS = { reason: Reason, since: z.string().max(64).optional() };

/**
 * Refuses a form whose page is older than the newest change of the kill switch.
 *
 * @param since when the change was made that is to be undone
 * @throws Refusal 409
 */
async function refuseStale({ automation }: ConsoleDeps, paused: boolean, since: string | undefined): Promise<void> {
  const { paused: isPaused, by, at, reason } = await automation.read();
  const because = reason === null || reason === '' ? '' : `: ${reason}`;
  const state = `${by ?? 'an unknown person'} has ${isPaused ? 'paused' : 'resumed'} automation${because}`;
  if (since !== undefined && at !== since) throw changedSince(state);
  if (paused === isPaused && at !== null)
    throw new Refusal(409, 'already-switched', `nothing was changed, because ${state}`);
}

/** Sets or ends the kill switch, which acts on all services, so a person confirms it. */
const killSwitch = (
  paused: boolean,
  done: string,
  confirmation: { question: string; button: string; effect(services: number): string },
): PageAction => ({
  permission: 'automation:write',
  done,
  undoneBy: { [paused ? 'resume' : 'pause']: ['reason', 'since'] },
  async confirm(deps, { caller, form }) {
    caller.allow('automation:write', EVERYWHERE);
    const { reason, since } = fields(form, SWITCH_FIELDS);
    await refuseStale(deps, paused, since);
    const count = Object.keys((await deps.config.current()).services).length;
    const { question, button, effect } = confirmation;
    return { question, button, effect: `${effect(count)} Reason: ${reason}` };
  },
  async run(deps, { viewer, caller, form, key }) {
    const { reason, since } = fields(form, SWITCH_FIELDS);
    const at = await once(deps, { principal: viewer.sender, route: 'kill switch', key }, async () => {
      await refuseStale(deps, paused, since);
      return (await setAutomation(deps, caller, { paused, reason })).at ?? '';
    });
    return {
      undo: {
        action: paused ? 'resume' : 'pause',
        fields: { reason: truncated(`Undone: ${reason}`, 2000), since: at },
      },
    };
  },
});

const inServices = (count: number): string => (count === 1 ? 'the only service' : `all ${count} services`);

/** The value of a form that removes a limit. */
export const NO_LIMIT = 'none';

/** A limit in a form. */
export const FormLimit = z.union([Mode, z.literal(NO_LIMIT)]);

/** `from`: the limit that is to be undone. */
type Limit = {
  scope: string;
  environment: string | undefined;
  mode: Mode | null;
  from: z.infer<typeof FormLimit> | undefined;
};

/** @throws FieldRefusal */
function limitIn({ form }: Pick<Sent, 'form'>): Limit {
  const { scope, environment, mode, from } = fields(form, {
    scope: z.union([z.literal(ALL), ServiceName], 'choose a service, or all services'),
    environment: EnvironmentName.optional(),
    mode: z.union([Mode, z.literal(NO_LIMIT)], 'choose a mode'),
    from: FormLimit.optional(),
  });
  return { scope, environment: scope === ALL ? undefined : environment, mode: mode === NO_LIMIT ? null : mode, from };
}

/** Returns the limit of a service or one of its environments. Null: it has none of its own. @param scope `*`: all services */
function limitOf(
  automation: Automation,
  { scope, environment }: Pick<Limit, 'scope' | 'environment'>,
  config: NamingConfig,
): Mode | null {
  if (scope === ALL) return automation.mode;
  const named = inConfiguredSpelling(config, { service: scope, environment });
  if (named.environment !== undefined)
    return environmentCap(automation, { service: scope, environment: named.environment }, config.services);
  return (Object.hasOwn(automation.services, scope) ? automation.services[scope]?.mode : undefined) ?? null;
}

/**
 * Sets or removes a limit. Returns the fields of a form that undoes it: `mode`, the limit before, and `from`.
 * @throws Refusal 409 another person has changed the limit that is to be undone
 */
export async function setLimit(
  deps: ConsoleDeps,
  caller: Sent['caller'],
  { scope, environment, mode, from }: Limit,
  reason?: string,
): Promise<{ mode: z.infer<typeof FormLimit>; from: z.infer<typeof FormLimit> }> {
  const [automation, config] = await Promise.all([deps.automation.read(), deps.config.current()]);
  const before = limitOf(automation, { scope, environment }, config);
  if (from !== undefined && from !== (before ?? NO_LIMIT))
    throw changedSince(`the limit is ${before ?? 'removed'} now`);
  const limit = limitInput({ service: scope === ALL ? undefined : scope, environment }, mode);
  await setAutomation(deps, caller, { ...limit, ...(reason !== undefined && { reason }) });
  return { mode: before ?? NO_LIMIT, from: mode ?? NO_LIMIT };
}

const LIMIT: PageAction = {
  permission: 'automation:write',
  done: 'The limit of automation is set.',
  undoneBy: { limit: ['scope', 'environment', 'mode', 'from'] },
  async confirm(deps, { caller, form }) {
    caller.allow('automation:write', EVERYWHERE);
    const { scope, mode } = limitIn({ form });
    if (scope !== ALL) return undefined;
    const count = Object.keys((await deps.config.current()).services).length;
    return mode === null
      ? {
          question: 'Remove the limit of all services?',
          effect: `Automation of ${inServices(count)} then has the mode of the catalogue, or of its own limit.`,
          button: 'Remove the limit',
        }
      : {
          question: `Limit all services to ${mode}?`,
          effect: `Automation of ${inServices(count)} then has at most the mode ${mode}: ${MODE_TEXTS[mode]}. Paging continues.`,
          button: `Limit all services to ${mode}`,
        };
  },
  async run(deps, { caller, form }) {
    const limit = limitIn({ form });
    // One that the catalogue no longer has can still be removed.
    if (limit.mode !== null)
      refuseForeignEnvironment((await deps.config.current()).services, { ...limit, service: limit.scope });
    const inverse = await setLimit(deps, caller, limit);
    return {
      undo: { action: 'limit', fields: { scope: limit.scope, environment: limit.environment ?? '', ...inverse } },
    };
  },
};

/** What automation does at most, by mode. */
const MODE_TEXTS: Readonly<Record<Mode, string>> = {
  shadow: 'it only records what it would have done',
  suggest: 'it suggests a rollback and does not ask',
  approve: 'it asks a person before it rolls back',
  act: 'it rolls back by itself',
};

export type AutomationData = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  automation: Automation;
  services: Config['services'];
};

/** The kill switch, and the limits of automation. */
export const automationPage: ConsolePage = {
  path: AUTOMATION_PATH,
  showsKillSwitch: true,
  label: 'Automation',
  section: 'Incidents',
  action: 'automation:read',
  everySeconds: 5,
  actions: {
    pause: killSwitch(true, 'The kill switch is on. Paging continues.', {
      question: 'Pause automation of all services?',
      button: 'Pause all automation',
      effect: (count) =>
        `Pauses automation of ${inServices(count)} in every environment until someone resumes it: nothing is rolled back, no approval is accepted, and no runbook step changes production. Paging, messages, and timelines continue.`,
    }),
    resume: killSwitch(false, 'Automation is resumed, within the limits of its modes.', {
      question: 'Resume automation of all services?',
      button: 'Resume all automation',
      effect: (count) =>
        `Resumes automation of ${inServices(count)}, within the limits of their modes. Questions that wait can be approved again.`,
    }),
    limit: LIMIT,
  },
  async show(deps: ConsoleDeps, { viewer: { may, csrfToken } }) {
    const [automation, { services }] = await Promise.all([deps.automation.read(), deps.config.current()]);
    return {
      title: 'Automation',
      main: automationMain({ may, csrfToken, at: deps.clock.now(), automation, services }),
    };
  },
};

export const automationMain = (data: AutomationData): Html => html`
  <h1 class="page-title">Automation</h1>
  <div class="stack">${switchPanel(data)} ${limitsPanel(data)}</div>
`;

function switchPanel({ automation, at, may, csrfToken }: AutomationData): Html {
  const { paused, by, at: since } = automation;
  const action = paused ? 'resume' : 'pause';
  const label = paused ? 'Resume automation of all services…' : 'Pause automation of all services…';
  return panel(
    'switch',
    'Kill switch',
    null,
    html`<p>
        ${
          paused
            ? html`<strong>${capitalized(automationText(automation))}.</strong> Nothing is rolled back, in any service.`
            : `${capitalized(automationText(automation))}.`
        }
        ${since === null ? '' : html`<span class="quiet">${paused ? '' : `Set by ${by ?? 'an unknown person'} `}${ago(since, at)}</span>`}
      </p>
      ${
        may('automation:write', EVERYWHERE)
          ? onDemand(
              action,
              label,
              actionForm(
                AUTOMATION_PATH,
                action,
                csrfToken,
                html`<p>Acts on all services and environments at once. You confirm it on the next page.</p>
                  <label for="${action}-reason">Reason</label>
                  <input id="${action}-reason" name="reason" maxlength="2000" autocomplete="off" required />
                  <button class="danger" id="do-${action}">${label}</button>`,
              ),
            )
          : ''
      }
      <p class="quiet">To pause the automation of one incident, use its page.</p>`,
  );
}

function limitsPanel({ automation, services, may, csrfToken, at }: AutomationData): Html {
  const { mode, services: caps, demoted } = automation;
  const rows: Cells[] = [
    ...(mode === null ? [] : [['All services', '', modeBadge(mode), ''] satisfies Cells]),
    ...Object.entries(caps)
      .filter(([service]) => may('automation:read', { service }))
      .flatMap(([service, { mode: own, environments }]): Cells[] => [
        ...(own === null ? [] : [[serviceLink(service), '', modeBadge(own), ''] satisfies Cells]),
        ...Object.entries(environments).map(([environment, limit]): Cells => [
          serviceLink(service),
          environment,
          modeBadge(limit),
          '',
        ]),
      ]),
    ...Object.entries(demoted)
      .filter(([service]) => may('automation:read', { service }))
      .map(([service, demotion]): Cells => [
        serviceLink(service),
        '',
        modeBadge('approve'),
        html`${demotion.reason}, ${ago(demotion.at, at)}`,
      ]),
  ];
  const names = Object.keys(services).toSorted();
  const environments = [...new Set(Object.values(services).flatMap((entry) => Object.keys(entry.environments)))];
  return panel(
    'limits',
    'Limits',
    rows.length,
    html`${
      rows.length === 0
        ? nothing('No limit is set: each service has the mode of the catalogue.')
        : tableOf('Limits of automation', ['Service', 'Environment', 'At most', 'Why'], rows)
    }
    ${
      may('automation:write', EVERYWHERE)
        ? onDemand(
            'limit',
            'Limit automation…',
            actionForm(
              AUTOMATION_PATH,
              'limit',
              csrfToken,
              html`<p>
                  A limit lowers the mode of the catalogue and never raises it. It stays until someone removes it.
                </p>
                <label for="of-scope">Service</label>
                ${choiceField('scope', 'Choose', [[ALL, `All services (${names.length})`], ...pairs(names)], null, 'labelled')}
                <label for="of-environment">Environment</label>
                ${choiceField('environment', 'All environments of the service', pairs(environments.toSorted()), null, 'labelled')}
                <label for="of-mode">At most</label>
                ${choiceField('mode', 'Choose', [...Mode.options.map((option) => [option, `${option}: ${MODE_TEXTS[option]}`] as const), [NO_LIMIT, 'no limit']], null, 'labelled')}
                <button class="danger" id="do-limit">Set limit</button>`,
            ),
          )
        : ''
    }`,
  );
}

const serviceLink = (service: string): Html => html`<a href="${servicePath(service)}">${service}</a>`;

const pairs = (values: readonly string[]): [string, string][] => values.map((value) => [value, value]);
