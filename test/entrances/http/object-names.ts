/** Names that every object has as properties. */
export const NAMES = ['constructor', '__proto__'] as const;

const alert = (labels: object) => ({
  version: '4',
  status: 'firing',
  receiver: 'firebreak',
  groupKey: 'a',
  groupLabels: labels,
  commonLabels: labels,
  commonAnnotations: {},
  externalURL: 'http://alertmanager.test',
  alerts: [
    {
      status: 'firing',
      labels,
      annotations: { summary: 'it fails', ...labels },
      startsAt: new Date().toISOString(),
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: '',
      fingerprint: Buffer.from(JSON.stringify(labels)).toString('hex').slice(0, 400),
    },
  ],
});

/** JSON text, in which `__proto__` is a name like any other. */
const named = (name: string, value: unknown): object => JSON.parse(`{"${name}":${JSON.stringify(value)}}`) as object;

/** A request to each entry that takes a name. */
export const requests = (name: string): [method: string, path: string, body?: object][] => {
  const at = { service: name, environment: 'production' };
  const inside = { service: 'checkout', environment: name };
  const labels = { alertname: 'Fails', severity: 'critical', ...at };
  const writes = [at, inside].flatMap((scope): [string, string, object][] => [
    ['POST', '/v1/alerts/alertmanager', alert({ ...labels, ...scope, action: 'auto-rollback' })],
    ['POST', '/v1/deployments', { ...scope, version: 'v1' }],
    ['POST', '/v1/deployments', { ...scope, version: name, status: 'started', commit: 'a'.repeat(40) }],
    ['POST', '/v1/freeze-check', { ...scope, version: 'v1' }],
    ['POST', '/v1/incidents', { ...scope, title: 'it fails', severity: 'critical' }],
    ['POST', '/v1/judgements', { ...scope, version: 'v2' }],
    ['POST', '/v1/canaries', { ...scope, version: 'v2' }],
    ['POST', '/v1/drills', scope],
    ['POST', '/v1/freezes', { ...scope, reason: 'test' }],
    ['POST', '/api/v1/rollback', { version: '4', status: 'firing', alerts: [{ labels: { ...labels, ...scope } }] }],
    ['POST', '/v1/runbooks/restart/runs', { ...scope, inputs: named(name, 'x') }],
    ['POST', '/v1/experiments', { ...scope, name: 'x', source: 'x' }],
    ['PUT', '/v1/automation', { services: named(scope.service, { environments: named(scope.environment, 'shadow') }) }],
  ]);
  const lists = [
    'incidents',
    'deployments',
    'signals',
    'canaries',
    'watches',
    'drills',
    'freezes',
    'slos',
    'experiments',
  ];
  const reads = [
    ...[...lists, 'versions/pinned', 'runbooks/runs', 'metrics/dora', 'metrics/dora/records', 'metrics/code'].map(
      (list) => `/v1/${list}?service=${name}&environment=production`,
    ),
    ...['metrics/pipelines', 'pipelines/runs', 'recordings', 'recordings/alerts', 'reports/shadow'].map(
      (list) => `/v1/${list}?service=${name}&team=${name}`,
    ),
    `/console/digest?team=${name}`,
    `/v1/freeze-check/gate?service=${name}&environment=production`,
    ...['runbooks', 'slos', 'canaries', 'incidents', 'deployments', 'tokens', 'quarantine', 'watches'].map(
      (list) => `/v1/${list}/${name}`,
    ),
    `/v1/automation`,
    '/v1/deployments/unmapped',
    '/metrics',
    `/console/services/${name}`,
    ...['services', 'incidents', 'deployments', 'slos', 'freezes', 'delivery', 'automation', 'audit'].map(
      (page) => `/console/${page}?service=${name}&team=${name}&environment=${name}`,
    ),
  ];
  return [
    ...writes,
    ['POST', '/v1/alerts/alertmanager', alert({ ...labels, service: 'checkout', ...named(name, 'a label') })],
    ['POST', '/v1/alerts/alertmanager', alert({ ...labels, service: 'unknown', severity: name, runbook: name })],
    ...reads.map((path): [string, string] => ['GET', path]),
  ];
};
