import type { Located } from '../../../../core/domain/lint/source-locations.ts';
import { type Fields, fieldsOf, type Path, type Reasons } from './fields.ts';
import { type Defaults, type Imported, type Converted, convertedOf, prometheusSource } from './converted.ts';

/** Field names of Sloth's two formats: files and Kubernetes objects. */
type Form = {
  source: string;
  /** Path prefix of all fields. */
  root: Path;
  errorQuery: string;
  totalQuery: string;
  errorRatioQuery: string;
};

/** @see https://sloth.dev/specs/default/ */
const FILE: Form = {
  source: 'Sloth prometheus/v1',
  root: [],
  errorQuery: 'error_query',
  totalQuery: 'total_query',
  errorRatioQuery: 'error_ratio_query',
};

/** @see https://sloth.dev/specs/kubernetes/ */
const OBJECT: Form = {
  source: 'Sloth PrometheusServiceLevel',
  root: ['spec'],
  errorQuery: 'errorQuery',
  totalQuery: 'totalQuery',
  errorRatioQuery: 'errorRatioQuery',
};

const ALERTS = ['Firebreak generates burn alerts itself', 'run firebreak slo generate'] as const;
const PLUGINS = ['Firebreak does not run plugins of Sloth', null] as const;
const KUBERNETES = ['it is Kubernetes metadata', null] as const;

const REASONS: Reasons = {
  slo_plugins: PLUGINS,
  'slos.plugins': PLUGINS,
  'slos.alerting': ALERTS,
  'spec.sloPlugins': PLUGINS,
  'spec.slos.plugins': PLUGINS,
  'spec.slos.alerting': ALERTS,
  'metadata.name': ['an objective is named after its service and its own name', null],
  'metadata.namespace': KUBERNETES,
  'metadata.labels': KUBERNETES,
  'metadata.annotations': KUBERNETES,
  metadata: KUBERNETES,
  status: KUBERNETES,
};

export const fromSlothFile = (document: Located<unknown>, defaults: Defaults): Imported =>
  fromSloth(document, defaults, FILE, ['version']);

export const fromSlothObject = (document: Located<unknown>, defaults: Defaults): Imported =>
  fromSloth(document, defaults, OBJECT, ['apiVersion', 'kind']);

function fromSloth(document: Located<unknown>, defaults: Defaults, form: Form, header: readonly string[]): Imported {
  const fields = fieldsOf(document);
  for (const key of header) fields.ignore(key);
  const { root } = form;
  const service = fields.required(fields.text(...root, 'service'), ...root, 'service');
  const labels = fields.texts(...root, 'labels');
  const slos = Array.from({ length: fields.count(...root, 'slos') }, (_, index) => [...root, 'slos', index] as Path);
  if (slos.length === 0) fields.error([...root, 'slos'], `${[...root, 'slos'].join('.')}: there are no objectives`);
  else fields.warning([...root, 'service'], `Sloth documents have no time window: ${defaults.window} is used`);
  const converted = slos.flatMap((path) => sloOf({ document, fields, defaults, form, path, service, labels }));
  return { converted: converted, problems: fields.problems(REASONS) };
}

type SloInput = {
  document: Located<unknown>;
  fields: Fields;
  defaults: Defaults;
  form: Form;
  path: Path;
  service: string | undefined;
  labels: Readonly<Record<string, string>>;
};

function sloOf({ document, fields, defaults, form, path, service, labels }: SloInput): Converted[] {
  const name = fields.required(fields.text(...path, 'name'), ...path, 'name');
  const targetPercent = fields.required(fields.number(...path, 'objective'), ...path, 'objective');
  const description = fields.text(...path, 'description');
  const sloLabels = fields.texts(...path, 'labels');
  const sli = sliOf(fields, form, [...path, 'sli']);
  if (name === undefined || targetPercent === undefined || service === undefined || sli === undefined) return [];
  const parts = {
    name: `${service}-${name}`,
    labels: { ...labels, ...sloLabels },
    description,
    service,
    indicator: sli.indicator,
    window: { duration: defaults.window, isRolling: true },
    budgetingMethod: 'Occurrences',
    objective: { targetPercent },
  };
  const origins = [
    [[], path],
    [
      ['metadata', 'name'],
      [...path, 'name'],
    ],
    [['metadata', 'labels'], Object.keys(sloLabels).length > 0 ? [...path, 'labels'] : [...form.root, 'labels']],
    [
      ['spec', 'service'],
      [...form.root, 'service'],
    ],
    [
      ['spec', 'objectives'],
      [...path, 'objective'],
    ],
    ...sli.origins,
  ] as const;
  return [convertedOf(document, parts, defaults, origins, form.source)];
}

type Sli = { indicator: object; origins: [Path, Path][] };

function sliOf(fields: Fields, form: Form, path: Path): Sli | undefined {
  const kinds = ['events', 'raw', 'plugin'].filter((kind) => fields.has(...path, kind));
  const [kind] = kinds;
  if (kinds.length !== 1) return fields.error(path, `${path.join('.')}: it must be events, raw, or plugin`);
  if (kind === 'plugin') {
    fields.ignore(...path, 'plugin');
    return fields.error(
      [...path, 'plugin'],
      `${[...path, 'plugin'].join('.')}: the file does not contain the queries that a plugin generates`,
      'write them as events; the output of sloth generate contains them',
    );
  }
  const query = (key: string) => fields.required(fields.text(...path, kind ?? '', key), ...path, kind ?? '', key);
  const convertedPath = ['spec', 'indicator', 'spec', 'ratioMetric'];
  if (kind === 'raw') {
    const raw = query(form.errorRatioQuery);
    if (raw === undefined) return undefined;
    return {
      indicator: { ratioMetric: { raw: prometheusSource(raw), rawType: 'failure' } },
      origins: [
        [
          [...convertedPath, 'raw'],
          [...path, kind, form.errorRatioQuery],
        ],
      ],
    };
  }
  const [errors, total] = [query(form.errorQuery), query(form.totalQuery)];
  if (errors === undefined || total === undefined) return undefined;
  return {
    indicator: { ratioMetric: { bad: prometheusSource(errors), total: prometheusSource(total) } },
    origins: [
      [
        [...convertedPath, 'bad'],
        [...path, 'events', form.errorQuery],
      ],
      [
        [...convertedPath, 'total'],
        [...path, 'events', form.totalQuery],
      ],
    ],
  };
}
