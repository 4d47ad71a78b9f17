import { describe, expect, test } from 'vitest';
import { mapSubject } from '../../../../core/domain/changes/map-subject.ts';
import type { ReportSource, ReportSubject } from '../../../../schemas/changes/change-report.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { parse } from 'yaml';

const catalogue = (of: object) => Config.parse({ version: 'test', services: of, paging: {} });

const config = catalogue({
  checkout: {
    repository: 'https://github.com/Acme/checkout.git',
    environments: {
      production: {
        sources: { argoApplication: 'checkout-prod', image: 'ghcr.io/acme/checkout', ecsService: 'prod/checkout' },
      },
      staging: { sources: { github: { environment: ['stage', 'stage-eu'] }, image: 'ghcr.io/acme/checkout' } },
    },
  },
  cart: { repository: 'acme/mono', path: 'services/cart', environments: { production: {} } },
  search: { repository: 'git@github.com:acme/mono.git', path: 'services/search', environments: { production: {} } },
  front: { repository: 'acme/mono', environments: { preview: {} } },
  api: { repository: 'group/sub/api', environments: { production: { sources: { gitlab: { environment: 'prod' } } } } },
  worker: {
    repository: 'group/sub/api',
    environments: { production: { sources: { gitlab: { environment: 'prod' } } } },
  },
  web: { repository: 'acme/web', environments: { production: {} } },
  billing: {
    environments: { production: { deployer: { kind: 'argo-cd' } }, staging: { deployer: { kind: 'argo-cd' } } },
  },
});

const mapped = (subject: ReportSubject, source: ReportSource = 'github', of = config) => {
  const mapping = mapSubject(of, source, subject);
  return mapping.kind === 'mapped'
    ? mapping.to.map(({ service, environment }) => `${service} ${environment}`)
    : mapping.why;
};

describe('names in another letter case', () => {
  const twice = catalogue({
    shop: { repository: 'acme/shop', environments: { prod: {}, PROD: {}, staging: {} } },
    Search: { environments: { production: {} } },
  });

  test.each([
    [{ service: 'search', environment: 'PRODUCTION' }, ['Search production']],
    [{ service: 'SHOP', environment: 'Staging' }, ['shop staging']],
    [{ repository: 'acme/shop', environment: 'prod' }, ['shop prod']],
    [{ repository: 'acme/shop', environment: 'PROD' }, ['shop PROD']],
    [{ repository: 'acme/shop', environment: 'Prod' }, 'no environment of shop is called "Prod"'],
  ])('%j', (subject, expected) => {
    expect(mapped(subject, 'github', twice)).toEqual(expected);
  });
});

describe('a repository and an environment', () => {
  test.each([
    ['Acme/Checkout', 'production', ['checkout production']],
    ['acme/checkout', 'Production', ['checkout production']],
    ['acme/checkout', 'stage-eu', ['checkout staging']],
    ['acme/checkout', 'stage_eu', ['checkout staging']],
    ['acme/checkout', 'stg', ['checkout staging']],
    ['acme/checkout', 'production-eu', 'no environment of checkout is called "production-eu"'],
    ['acme/checkout', 'staging-us', 'no environment of checkout is called "staging-us"'],
    ['acme/checkout', 'PRD', ['checkout production']],
    ['acme/checkout', 'qa', 'no environment of checkout is called "qa"'],
    ['acme/other', 'production', 'no service has the repository "acme/other"'],
    ['acme/mono', 'preview', ['front preview']],
    [
      'acme/mono',
      'production',
      'cart, search share the repository "acme/mono" and the environment, and the event names no path',
    ],
  ])('%s %s', (repository, environment, expected) => {
    expect(mapped({ repository, environment })).toEqual(expected);
  });

  test('with a path belong to the service of this folder', () => {
    const subject = { repository: 'acme/mono', environment: 'production' };
    expect(mapped({ ...subject, path: 'services/cart' })).toEqual(['cart production']);
    expect(mapped({ ...subject, path: 'services/search/api/' })).toEqual(['search production']);
    expect(mapped({ ...subject, path: 'services/cart-2' })).toBe(
      'no service of "acme/mono" has the path "services/cart-2"',
    );
  });

  test('belong to all services that list the environment', () => {
    const subject = { repository: 'group/sub/api', environment: 'prod' };
    expect(mapped(subject, 'gitlab')).toEqual(['api production', 'worker production']);
    expect(mapped({ ...subject, environment: 'production' }, 'gitlab')).toEqual([
      'api production',
      'worker production',
    ]);
    expect(mapped({ ...subject, environment: 'qa' }, 'gitlab')).toBe('no environment of api, worker is called "qa"');
  });

  test('without an environment are only mapped if there is one', () => {
    expect(mapped({ repository: 'acme/checkout' })).toBe('the event names no environment, and checkout has several');
    const one = catalogue({ shop: { repository: 'acme/shop', environments: { production: {} } } });
    expect(mapped({ repository: 'acme/shop' }, 'github', one)).toEqual(['shop production']);
  });
});

describe('a service without environments', () => {
  const of = catalogue({
    search: { repository: 'acme/search' },
    cart: { repository: 'acme/mono', environments: { production: {}, staging: {} } },
    tools: { repository: 'acme/mono', path: 'tools' },
  });

  test.each<[ReportSubject, string[] | string]>([
    [{ repository: 'acme/search', environment: 'Production' }, ['search production']],
    [{ repository: 'acme/search', environment: 'staging' }, ['search staging']],
    [{ repository: 'acme/search' }, ['search production']],
    [{ service: 'Search', environment: 'staging' }, ['search staging']],
    [{ repository: 'acme/search', environment: 'preview-7' }, 'no environment of search is called "preview-7"'],
    // A service that lists the environment comes first.
    [{ repository: 'acme/mono', environment: 'staging' }, ['cart staging']],
    [{ repository: 'acme/mono', environment: 'staging', path: 'tools' }, ['cart staging']],
  ])('has those of the configuration: %j', (subject, expected) => {
    expect(mapped(subject, 'github', of)).toEqual(expected);
  });
});

describe('an object of another system', () => {
  test('belongs to the environment that lists it', () => {
    expect(mapped({ argoApplication: 'checkout-prod' }, 'argo-cd')).toEqual(['checkout production']);
    const arn = 'arn:aws:ecs:eu-west-1:123456789012:service/prod/checkout';
    expect(mapped({ ecsService: arn }, 'aws')).toEqual(['checkout production']);
    expect(mapped({ argoApplication: 'cart' }, 'argo-cd')).toBe('no environment lists the argoApplication "cart"');
  });

  test('in several environments needs another name to decide', () => {
    const image = 'ghcr.io/acme/checkout';
    expect(mapped({ image }, 'cdevents')).toBe('several environments of checkout list "ghcr.io/acme/checkout"');
    expect(mapped({ image, environment: 'production' }, 'cdevents')).toEqual(['checkout production']);
    expect(mapped({ image, argoApplication: 'checkout-prod' }, 'argo-cd')).toEqual(['checkout production']);
  });

  test('may be named by the deployer alone', () => {
    expect(mapped({ argoApplication: 'billing', environment: 'staging' }, 'argo-cd')).toEqual(['billing staging']);
    expect(mapped({ argoApplication: 'billing' }, 'argo-cd')).toBe('several environments of billing list "billing"');
  });
});

test('a service of the catalogue can be named as it is', () => {
  expect(mapped({ service: 'checkout', environment: 'production' })).toEqual(['checkout production']);
  expect(mapped({ service: 'cart', repository: 'acme/mono', environment: 'production' })).toEqual(['cart production']);
  expect(mapped({ service: 'cart' })).toEqual(['cart production']);
  expect(mapped({ service: 'check_out', environment: 'prod' })).toEqual(['checkout production']);
  expect(mapped({ service: 'chekout', environment: 'production' })).toBe('the catalogue has no service "chekout"');
});

describe('the lines for what is unmapped', () => {
  /** Merges the lines into the catalogue, as a person would, and maps again. */
  const afterLines = (subject: ReportSubject, source: ReportSource = 'github', fill = (text: string) => text) => {
    const mapping = mapSubject(config, source, subject);
    if (mapping.kind === 'mapped') throw new Error('it is mapped');
    const added = (parse(fill(mapping.lines)) as { services: Record<string, any> }).services;
    const file: Record<string, any> = structuredClone(config.services);
    for (const [name, { environments, ...entry }] of Object.entries(added)) {
      file[name] = { ...file[name], ...entry, environments: { ...file[name]?.environments } };
      for (const [environment, at] of Object.entries<any>(environments)) {
        const known = file[name].environments[environment];
        file[name].environments[environment] = { ...known, ...at, sources: { ...known?.sources, ...at.sources } };
      }
    }
    return mapped(subject, source, catalogue(file));
  };

  test.each<[string, ReportSubject, ReportSource, string[], ((lines: string) => string)?]>([
    ['an unknown repository', { repository: 'acme/new', environment: 'production' }, 'github', ['new production']],
    [
      'an unknown environment',
      { repository: 'acme/checkout', environment: 'prod: eu' },
      'github',
      ['checkout production'],
      (lines) => lines.replace('"<production | staging | prod: eu>"', 'production'),
    ],
    [
      'an unknown environment of a service with one, which may be another',
      { repository: 'acme/web', environment: 'qa-eu' },
      'gitlab',
      ['web qa-eu'],
      (lines) => lines.replace('<production | qa-eu>', 'qa-eu'),
    ],
    [
      'services that share a repository',
      { repository: 'acme/mono', environment: 'production' },
      'github',
      ['search production'],
      (lines) => lines.replace('<cart | search | front>', 'search'),
    ],
    [
      'an unknown application',
      { argoApplication: 'cart-prod' },
      'argo-cd',
      ['cart production'],
      (lines) => lines.replace('<service>', 'cart').replace('<environment>', 'production'),
    ],
    [
      'an unknown image of a known repository',
      { repository: 'acme/checkout', image: 'ghcr.io/acme/checkout-web', environment: 'qa' },
      'cdevents',
      ['checkout production'],
      (lines) => lines.replace('<production | staging | qa>', 'production'),
    ],
  ])('map %s', (_, subject, source, expected, fill) => {
    expect(afterLines(subject, source, fill)).toEqual(expected);
  });
});
