import type { HealthForm, RuleSetup, Service } from '../services.ts';

export const REQUESTS = 'http_requests_total';
/** Requests as the callers of a service count them. */
export const CALLS = 'client_requests_total';
export const BUCKETS = 'http_request_duration_seconds_bucket';
export const UP = 'up';
/** Used share of the memory of an instance. */
export const USAGE = 'process_memory_used_share';
export const RECORDED = 'service:http_errors:ratio';

/** Quantile of latency queries. */
const QUANTILE = 0.99;

const selector = ({ name }: Service, more = ''): string => `{service="${name}",environment="production"${more}}`;
const rate = (service: Service, window: string, by: string, more = '', metric = REQUESTS): string =>
  `sum${by}(rate(${metric}${selector(service, more)}[${window}]))`;

/** Returns the share of failed requests of callers. @param by e.g. ` by (version) ` */
export const callersQuery = (service: Service, by = ' '): string => {
  const { window } = service.health;
  return `${rate(service, window, by, ',code=~"5.."', CALLS)} / ${rate(service, window, by, '', CALLS)}`;
};

/** Returns the ratio of failed requests. @param by e.g. ` by (version) ` */
export const ratioQuery = (service: Service, window: string, by = ' '): string =>
  `${rate(service, window, by, ',code=~"5.."')} / ${rate(service, window, by)}`;

/** Returns the health query of the catalogue. Null: none. */
export function healthQuery(service: Service): string | null {
  const { form, window } = service.health;
  return form === 'none'
    ? null
    : form === 'recorded'
      ? `${RECORDED}${selector(service)}`
      : valueQuery(service, form, window, ' ');
}

/** Returns the query of a recording rule, without its record. */
export const recordedQuery = (service: Service): string =>
  valueQuery(service, 'ratio_or_zero', service.health.window, ' ');

function valueQuery(service: Service, form: Exclude<HealthForm, 'none'>, window: string, by: string): string {
  const errors = rate(service, window, by, ',code=~"5.."');
  const all = rate(service, window, by);
  switch (form) {
    case 'ratio':
      return `${errors} / ${all}`;
    case 'ratio_or_zero':
    case 'recorded':
      return by.trim() === '' ? `(${errors} or vector(0)) / ${all}` : `(${errors} or 0 * ${all}) / ${all}`;
    case 'percent':
      return `100 * ${errors} / ${all}`;
    case 'success':
      return `1 - ${rate(service, window, by, ',code!~"5.."')} / ${all}`;
    case 'usage':
      return `max${by}(${USAGE}${selector(service)})`;
    case 'quantile': {
      const labels = by.trim() === '' ? 'le' : 'le, version';
      return `histogram_quantile(${QUANTILE}, sum by (${labels}) (rate(${BUCKETS}${selector(service)}[${window}])))`;
    }
  }
}

export const byVersionQuery = (service: Service): string =>
  valueQuery(
    service,
    service.health.form === 'none' ? 'ratio' : service.health.form,
    service.health.window,
    ' by (version) ',
  );

export const trafficQuery = (service: Service): string => rate(service, service.health.window, ' ');
export const trafficByVersionQuery = (service: Service): string =>
  rate(service, service.health.window, ' by (version) ');

/** Windows and factors of a fast and a slow burn, as in the SRE workbook. */
const BURNS = [
  { long: '1h', short: '5m', factor: 14.4 },
  { long: '6h', short: '30m', factor: 6 },
] as const;

/** Returns the expression of a rule. */
export function ruleExpression(service: Service, { form, level }: RuleSetup): string {
  const { health } = service;
  const limit = Number((health.max * level).toPrecision(3));
  switch (form) {
    case 'by_version':
      return `${byVersionQuery(service)} > ${limit}`;
    case 'up':
      return `avg(${UP}${selector(service)}) < ${level}`;
    case 'absent':
      return `absent(${REQUESTS}${selector(service)})`;
    case 'burn':
      return BURNS.map(({ long, short, factor }) => {
        const above = Number((level * factor).toPrecision(3));
        return `(${ratioQuery(service, long)} > ${above} and ${ratioQuery(service, short)} > ${above})`;
      }).join(' or ');
    case 'callers':
      return `${callersQuery(service)} > ${limit}`;
    case 'health':
      return `${healthQuery(service) ?? ratioQuery(service, health.window)} > ${limit}`;
  }
}
