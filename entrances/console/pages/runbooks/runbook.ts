import { html } from 'hono/html';
import { runbookOf } from '../../../../core/actions/runbooks/plan-run.ts';
import { visibleRunbook } from '../../../../core/actions/runbooks/visible.ts';
import { type PlannedStep, planOf } from '../../../../core/domain/runbooks/plan.ts';
import { matchersText } from '../../../../schemas/alerts/matcher-syntax.ts';
import type { FailureAction } from '../../../../schemas/runbooks/parts/steps.ts';
import type { Input } from '../../../../schemas/runbooks/parts/inputs.ts';
import type { PlanStep, RunPlan } from '../../../../schemas/runbooks/parts/runs.ts';
import type { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import type { Viewer } from '../../../http/context.ts';
import { markdown } from '../../markdown.ts';
import { refusedFormOf } from '../../notices.ts';
import { actionForm, type Html, incidentLink, line, nothing, panel } from '../../parts.ts';
import type { ConsolePage } from '../page.ts';
import { runbookPath, RUNBOOKS_PATH } from './parts.ts';
import { inputField, planOfQuery, type ShownPlan, START } from './start.ts';
import { truncated } from '../../../../schemas/parsing/text.ts';

/** Services that the form suggests. */
const SUGGESTIONS_MAX = 500;

export type RunbookData = Pick<Viewer, 'csrfToken'> & {
  runbook: Runbook;
  /** Services and environments in which the viewer may start it. Null: it can't be started, or the viewer may not. */
  startScope: { services: readonly string[]; environments: readonly string[] } | null;
  /** What the viewer wrote into the form, by field. */
  inputs: Readonly<Record<string, string>>;
  shown: ShownPlan | undefined;
};

/** A runbook with its text and steps, and the form to start it. */
export const runbookPage: ConsolePage = {
  path: `${RUNBOOKS_PATH}/:name`,
  label: null,
  within: RUNBOOKS_PATH,
  action: 'incidents:read',
  everySeconds: 10,
  actions: { start: START },
  async show(deps, { viewer, param, query }) {
    const { caller, may, csrfToken } = viewer;
    const runbook = await runbookOf(deps, param['name'] ?? '');
    const visible = visibleRunbook((scope) => may('incidents:read', scope), runbook);
    const [service, environment] = [runbook.services?.[0], runbook.environments?.[0]];
    if (visible === undefined)
      caller.allow('incidents:read', { ...(service && { service }), ...(environment && { environment }) });
    const { services } = await deps.config.current();
    const isStartable = runbook.steps.length > 0 && may('incidents:act', {});
    const startable = Object.entries(services).filter(
      ([name]) => (runbook.services ?? [name]).includes(name as never) && may('incidents:act', { service: name }),
    );
    const environments = new Set(startable.flatMap(([, entry]) => Object.keys(entry.environments)));
    const shown = isStartable ? await planOfQuery(deps, viewer, runbook, query) : undefined;
    const main = runbookMain({
      csrfToken,
      runbook: visible ?? runbook,
      startScope: isStartable
        ? {
            services: startable.map(([name]) => name).slice(0, SUGGESTIONS_MAX),
            environments: [...environments].filter((name) => (runbook.environments ?? [name]).includes(name as never)),
          }
        : null,
      inputs: Object.fromEntries(
        ['service', 'environment', ...Object.keys(runbook.inputs).map(inputField)].flatMap((name) => {
          const text = query.get(name);
          return text === null ? [] : [[name, text]];
        }),
      ),
      shown,
    });
    return {
      title: `Runbook: ${runbook.title}`,
      main,
      ...(shown !== undefined &&
        'refusal' in shown && { refused: refusedFormOf(shown.refusal, query, [runbookPath(runbook.name)]) }),
    };
  },
};

export const runbookMain = (data: RunbookData): Html => html`
  <h1 class="page-title">${data.runbook.title}</h1>
  <div class="columns">
    <div class="detail">${data.shown === undefined ? '' : planPanel(data, data.shown)} ${textPanel(data.runbook)}</div>
    <div class="aside">${startPanel(data)} ${stepsPanel(data.runbook)} ${aboutPanel(data.runbook)}</div>
  </div>
`;

const textPanel = ({ body, title, file }: Runbook): Html =>
  panel(
    'text',
    'Text',
    null,
    body.trim() === ''
      ? nothing(`${file} has no text. People read what it contains during an incident.`)
      : html`<div class="text">${markdown(body, title)}</div>`,
  );

function stepsPanel(runbook: Runbook): Html {
  const { steps, failureSteps } = planOf(runbook);
  return panel(
    'steps',
    'Steps',
    steps.length,
    html`${
      steps.length === 0
        ? nothing('Without steps, Firebreak does nothing: the runbook is for people.')
        : html`<ol class="rows">
            ${steps.map((step) => html`<li>${stepRow(step)}</li>`)}
          </ol>`
    }
    ${
      failureSteps.length === 0
        ? ''
        : html`<h3 class="sub">If a step fails</h3>
            <ol class="rows">
              ${failureSteps.map((step) => html`<li>${stepRow(step)}</li>`)}
            </ol>`
    }`,
  );
}

const FAILURE_TEXTS: Readonly<Record<FailureAction, string>> = {
  stop: 'skips the remaining steps',
  continue: 'goes on',
  undo: 'reverts completed steps',
};

function stepRow(step: PlannedStep): Html {
  const { name, uses, mutating, approval, when, times, timeoutSeconds, onFailure, inverse, retry } = step;
  const parameters = Object.entries(step.with);
  return html`<p>
      <strong>${name}</strong> ${mutating ? html`<span class="badge warning">changes production</span>` : ''}
    </p>
    <p class="facts">
      <span><code>${uses}</code></span>
      ${timeoutSeconds === 0 ? '' : html`<span>at most ${durationOf(timeoutSeconds)}</span>`}
      ${mutating ? html`<span>${times === 1 ? 'once' : `${times} times`} in an incident</span>` : ''}
      ${retry === null ? '' : html`<span>${retry.max} ${retry.max === 1 ? 'retry' : 'retries'}</span>`}
      ${inverse === null ? '' : html`<span>can be reverted</span>`}
      <span>on failure ${FAILURE_TEXTS[onFailure]}</span>
    </p>
    ${
      when.length + parameters.length === 0 && approval === null && uses !== 'approve'
        ? ''
        : html`<dl class="lines">
            ${when.map((condition) => line('Only if', html`<code>${condition}</code>`))}
            ${
              approval === null && uses !== 'approve'
                ? ''
                : line('Approval', approval?.people === undefined ? 'by a person' : `by ${approval.people.join(', ')}`)
            }
            ${parameters.map(([key, value]) => line(key, html`<code class="wrapped">${shortened(value)}</code>`))}
          </dl>`
    }`;
}

const VALUE_MAX_CHARS = 400;

function shortened(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return truncated(text, VALUE_MAX_CHARS);
}

function durationOf(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

function aboutPanel(runbook: Runbook): Html {
  const { name, file, version, mode, services, environments, severity, priority, match, when, undo } = runbook;
  return panel(
    'about',
    'When alerts start it',
    null,
    html`<dl class="lines">
      ${match.any.map((matchers) =>
        line('Labels', matchers.length === 0 ? 'any' : html`<code class="wrapped">${matchersText(matchers)}</code>`),
      )}
      ${line('Services', services?.join(', ') ?? 'all')} ${line('Environments', environments?.join(', ') ?? 'all')}
      ${severity === undefined ? '' : line('Severity', severity.join(', '))}
      ${when === undefined ? '' : line('Only if', html`<code class="wrapped">${when}</code>`)}
      ${line('Mode', mode === undefined ? "the service's mode" : `at most ${mode}`)}
      ${line('Priority', String(priority))} ${line('Undo', undo === 'reverse' ? 'in reverse order' : 'nothing')}
      ${line('Name', html`<code>${name}</code>`)} ${line('File', html`<code class="wrapped">${file}</code>`)}
      ${line('Version', html`<code>${version.slice(0, 12)}</code>`)}
    </dl>`,
  );
}

function startPanel({ runbook, startScope, inputs: entered }: RunbookData): Html {
  const { name, inputs, steps } = runbook;
  if (startScope === null)
    return steps.length === 0
      ? html``
      : panel('start', 'Start by hand', null, nothing("You don't have permission to start runbooks."));
  const onlyName = (names: readonly string[]): string => (names.length === 1 ? (names[0] ?? '') : '');
  return panel(
    'start',
    'Start by hand',
    null,
    html`<form class="start" method="get" action="${runbookPath(name)}">
      <label for="service">Service</label>
      <input
        id="service"
        name="service"
        value="${entered['service'] ?? onlyName(startScope.services)}"
        list="services"
        maxlength="256"
        autocomplete="off"
        required
      />
      <datalist id="services">
        ${startScope.services.map((service) => html`<option value="${service}"></option>`)}
      </datalist>
      <label for="environment">Environment (empty: the default)</label>
      <input
        id="environment"
        name="environment"
        value="${entered['environment'] ?? onlyName(startScope.environments)}"
        list="environments"
        maxlength="256"
        autocomplete="off"
      />
      <datalist id="environments">
        ${startScope.environments.map((environment) => html`<option value="${environment}"></option>`)}
      </datalist>
      ${Object.entries(inputs).map(([key, input]) => inputPart(key, input, entered[inputField(key)] ?? ''))}
      <button class="primary" id="do-plan">Show the plan</button>
      <p class="hint">Nothing is started before you have seen the plan.</p>
    </form>`,
  );
}

function inputPart(name: string, { type, default: defaultValue, description, required }: Input, value: string): Html {
  const id = `input-${name}`;
  const about = `about-${id}`;
  const hint = [description, defaultValue === undefined ? undefined : `Default: ${defaultValue}`].filter(
    (text) => text !== undefined,
  );
  return html`<label for="${id}">${name}</label>
    ${type === 'boolean' ? booleanField(id, name, defaultValue, value) : textField(id, name, { type, required }, value)}
    ${hint.length === 0 ? '' : html`<p class="hint" id="${about}">${hint.join('. ')}</p>`}`;
}

const booleanField = (id: string, name: string, defaultValue: Input['default'], entered: string): Html =>
  html`<select id="${id}" name="${inputField(name)}">
    ${defaultValue === undefined ? '' : html`<option value="">the default</option>`}
    ${['true', 'false'].map(
      (value) => html`<option value="${value}" ${entered === value ? html`selected` : ''}>${value}</option>`,
    )}
  </select>`;

const textField = (
  id: string,
  name: string,
  { type, required }: Pick<Input, 'type' | 'required'>,
  entered: string,
): Html =>
  html`<input
    id="${id}"
    name="${inputField(name)}"
    value="${entered}"
    type="${type === 'string' ? 'text' : 'number'}"
    ${type === 'number' ? html`step="any"` : ''}
    maxlength="1000"
    autocomplete="off"
    ${required ? html`required` : ''}
  />`;

function planPanel({ runbook: { name }, csrfToken, inputs }: RunbookData, shown: ShownPlan): Html {
  if ('refusal' in shown)
    return html`<section class="panel asks" id="plan" data-part aria-labelledby="plan-title">
      <h2 id="plan-title">Plan</h2>
      <p role="alert">It cannot be started: ${shown.refusal.detail}</p>
    </section>`;
  const { plan } = shown;
  const { refused, steps } = plan;
  return html`<section class="panel asks" id="plan" data-part aria-labelledby="plan-title">
    <h2 id="plan-title">Plan</h2>
    <p>${whereText(plan)}</p>
    <ol class="rows">
      ${steps.map((step) => html`<li>${plannedRow(step)}</li>`)}
    </ol>
    ${
      refused.length > 0
        ? html`<p role="alert">It cannot be started now: ${refused.map(({ text }) => text).join('; ')}.</p>`
        : actionForm(
            runbookPath(name),
            'start',
            csrfToken,
            html`${Object.entries({
                ...inputs,
                service: plan.service,
                environment: plan.environment,
                version: plan.version,
              }).map(([key, value]) => html`<input type="hidden" name="${key}" value="${value}" />`)}
              <div class="buttons">
                <button class="primary" id="do-start">Start</button
                ><a class="button" href="${runbookPath(name)}">Cancel</a>
              </div>`,
          )
    }
  </section>`;
}

const whereText = ({ service, environment, incident_id: id, incident_number: number, inputs }: RunPlan): Html => {
  const inputTexts = Object.entries(inputs).map(([name, value]) => `${name}: ${value}`);
  return html`In <strong>${service}</strong> ${environment},
    ${
      id === null
        ? 'in a new incident, which a person resolves.'
        : html`in its open incident ${incidentLink({ id, number })}.`
    }
    ${inputTexts.length === 0 ? '' : `Inputs: ${inputTexts.join(', ')}.`}`;
};

function plannedRow(step: PlanStep): Html {
  const { name, does, target, changes_production: isMutating, when, approval, reasons, on_failure: onFailure } = step;
  return html`<p>
      <strong>${name}</strong> ${isMutating ? html`<span class="badge warning">changes production</span>` : ''}
    </p>
    <p class="wrapped">${does}${target === null ? '' : html` <span class="quiet">(${target})</span>`}</p>
    ${
      approval === null
        ? ''
        : html`<p>
            Asks ${approval.people === null ? 'a person' : approval.people.join(', ')} for
            approval${
              approval.needed > 1 ? `: ${approval.needed} are needed, ${approval.given.length} given by the start` : ''
            }.
          </p>`
    }
    ${
      reasons.length === 0
        ? ''
        : html`<ul class="reasons">
            ${reasons.map(({ text }) => html`<li>${text}</li>`)}
          </ul>`
    }
    <p class="facts">
      ${when.map((condition) => html`<span>only if <code>${condition}</code></span>`)}
      ${step.inverse === null ? '' : html`<span>can be reverted</span>`}
      <span>on failure ${FAILURE_TEXTS[onFailure]}</span>
    </p>`;
}
