import { html } from 'hono/html';
import { inConfiguredSpelling } from '../../../../core/domain/catalogue/known-names.ts';
import { serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import { declareIncident } from '../../../../core/actions/incidents/declare-incident.ts';
import { declaredScope } from '../../../../core/actions/incidents/declared-environment.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { numberText } from '../../../../core/domain/incidents/incident-number.ts';
import { nearest, suggestionText } from '../../../../schemas/parsing/similar-names.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import { EnvironmentName, IncidentId, ServiceName, Severity } from '../../../../schemas/config/names.ts';
import { once } from '../../once.ts';
import { actionForm, choiceField, type Html } from '../../parts.ts';
import { type ConsolePage, FieldRefusal, fields, filled, type PageAction, refuseForeignEnvironment } from '../page.ts';

export const DECLARE_PATH = '/console/declare';

const TITLE_MAX_CHARS = 500;

/** Declares an incident, with the fields of the dialog in Slack. */
const DECLARE: PageAction = {
  permission: 'incidents:write',
  done: 'Declared.',
  async run(deps, { viewer, caller, form, key, trace }) {
    const { title, severity, ...entered } = fields(form, {
      title: filled('say what is wrong').max(TITLE_MAX_CHARS),
      severity: Severity.default('critical'),
      service: ServiceName.optional(),
      environment: EnvironmentName.optional(),
    });
    const request = { title, severity, trace };
    const scope = checkedScope(await deps.config.current(), entered);
    let isNew = true;
    const id = await once(deps, { principal: viewer.sender, route: 'declare an incident', key }, async () => {
      const { incident, created } = await declareIncident(deps, caller, { ...scope, ...request });
      isNew = created;
      return incident.id;
    });
    const incident = await deps.incidents.read(IncidentId.parse(id));
    const location = incidentPath(incident ?? IncidentId.parse(id));
    if (isNew || incident === undefined) return { location };
    return html`<p>
      An incident is already open there: <a href="${location}">${numberText(incident)}${incident.title}</a>. Your report
      was added to its timeline.
    </p>`;
  },
};

/** @throws FieldRefusal for a service or environment outside the catalogue, which is more likely a mistake */
function checkedScope(
  config: Config,
  named: { service: ServiceName | undefined; environment: EnvironmentName | undefined },
): ReturnType<typeof declaredScope> {
  const { services } = config;
  const { service, environment } = inConfiguredSpelling(config, named);
  const entry = service === undefined ? undefined : serviceEntry(services, service);
  if (service !== undefined && entry === undefined) {
    const text = `there is no service "${service.slice(0, 80)}"${suggestionText(nearest(service, Object.keys(services)))}`;
    throw new FieldRefusal([{ field: 'service', text }]);
  }
  refuseForeignEnvironment(services, { service, environment });
  return declaredScope(config, { service, environment });
}

export const declarePage: ConsolePage = {
  path: DECLARE_PATH,
  label: null,
  within: '/console/incidents',
  action: 'incidents:write',
  everySeconds: 60,
  actions: { declare: DECLARE },
  async show(deps, { viewer: { csrfToken, may }, query }) {
    const { services } = await deps.config.current();
    const names = Object.keys(services).filter((service) => may('incidents:write', { service }));
    const environments = Object.values(services).flatMap((service) => Object.keys(service.environments));
    const entered = Object.fromEntries(
      ['title', 'service', 'environment', 'severity'].map((name) => [name, query.get(name)]),
    );
    return {
      title: 'Declare an incident',
      main: declareMain({ csrfToken, services: names, environments: [...new Set(environments)], entered }),
    };
  },
};

type DeclareForm = {
  csrfToken: string;
  services: readonly string[];
  environments: readonly string[];
  /** What the address contains. */
  entered: Readonly<Record<string, string | null | undefined>>;
};

export const declareMain = ({ csrfToken, services, environments, entered }: DeclareForm): Html => html`
  <h1 class="page-title" id="declare-title">Declare an incident</h1>
  <section class="panel question-page" aria-labelledby="declare-title">
    ${actionForm(
      DECLARE_PATH,
      'declare',
      csrfToken,
      html`<div class="fields">
        <label for="title">What is wrong?</label>
        <input
          id="title"
          name="title"
          value="${entered['title'] ?? ''}"
          maxlength="${TITLE_MAX_CHARS}"
          required
          autocomplete="off"
        />
        <label for="of-service">Service</label>
        ${choiceField('service', 'Unknown', pairs(services.toSorted()), entered['service'] ?? null, 'labelled')}
        <label for="of-environment">Environment</label>
        ${choiceField('environment', 'The default of the service', pairs(environments.toSorted()), entered['environment'] ?? null, 'labelled')}
        <label for="severity">Severity</label>
        <select id="severity" name="severity">
          ${Severity.options.map((one) => html`<option value="${one}" ${one === (entered['severity'] ?? 'critical') ? html`selected` : ''}>${one}</option>`)}
        </select>
        <p class="hint">
          Declaring opens an incident with its channel and timeline. A critical one pages the responder of the service.
          If one is already open there, your report is added to it.
        </p>
        <button class="primary" id="do-declare">Declare</button>
      </div>`,
    )}
  </section>
`;

const pairs = (values: readonly string[]): [string, string][] => values.map((value) => [value, value]);
