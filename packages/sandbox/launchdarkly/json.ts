import type { Change, Flag, Targeting } from './flags.ts';

/**
 * Objects in the format of the API. Fields that the stand-in has no data for are omitted.
 *
 * @see https://launchdarkly.com/docs/api/feature-flags/get-feature-flag (read 2026-11)
 */
export const flagJson = (flag: Flag, targeting: readonly Targeting[]): object => ({
  name: flag.key,
  kind: 'boolean',
  description: '',
  key: flag.key,
  _version: flag.version,
  creationDate: flag.created_at,
  variations: [
    { _id: '00000000-0000-4000-8000-000000000001', value: true },
    { _id: '00000000-0000-4000-8000-000000000002', value: false },
  ],
  temporary: true,
  tags: [],
  _links: {
    parent: link(`/api/v2/flags/${flag.project}`),
    self: link(`/api/v2/flags/${flag.project}/${flag.key}`),
  },
  experiments: { baselineIdx: 0, items: [] },
  customProperties: {},
  archived: flag.archived,
  defaults: { onVariation: 0, offVariation: 1 },
  environments: Object.fromEntries(targeting.map((each) => [each.environment, targetingJson(flag, each)])),
});

const targetingJson = (flag: Flag, { environment, on, version, modified_at: lastModified }: Targeting): object => ({
  on,
  archived: flag.archived,
  salt: '00000000000000000000000000000000',
  sel: '00000000000000000000000000000000',
  lastModified,
  version,
  targets: [],
  contextTargets: [],
  rules: [],
  fallthrough: { variation: 0 },
  offVariation: 1,
  prerequisites: [],
  _site: { href: `/${flag.project}/${environment}/features/${flag.key}`, type: 'text/html' },
  _environmentName: environment,
  trackEvents: false,
  trackEventsFallthrough: false,
});

/** @see https://launchdarkly.com/docs/api/audit-log/get-audit-log-entries (read 2026-11) */
export function changeJson({ id, project, environment, flag, on, comment, member, at }: Change): object {
  const self = String(id).padStart(24, '0');
  const verb = on ? 'turned on the flag' : 'turned off the flag';
  return {
    _links: { self: link(`/api/v2/auditlog/${self}`) },
    _id: self,
    _accountId: '000000000000000000000001',
    date: at,
    accesses: [{ action: 'updateOn', resource: resourceOf({ project, environment, flag }) }],
    kind: 'flag',
    name: flag,
    description: '',
    shortDescription: '',
    ...(comment !== null && { comment }),
    ...(member === null ? { token: { name: 'firebreak', serviceToken: true } } : { member: { firstName: member } }),
    titleVerb: verb,
  };
}

/** Returns the resource specifier of a flag in an environment. */
export const resourceOf = ({ project, environment, flag }: Pick<Change, 'project' | 'environment' | 'flag'>): string =>
  `proj/${project}:env/${environment}:flag/${flag}`;

const link = (href: string): object => ({ href, type: 'application/json' });
