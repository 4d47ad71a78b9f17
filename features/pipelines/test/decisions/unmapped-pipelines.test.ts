import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { unmappedPipelines } from '../../decisions/unmapped-pipelines.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const { services } = Config.parse({
  ...emptyConfig,
  services: {
    cart: { repository: 'acme/shop', pipelines: ['Cart', 'Both'] },
    search: { repository: 'https://github.com/acme/shop', pipelines: ['Both'] },
    checkout: { repository: 'acme/checkout' },
  },
});

const run = (repository: string, pipeline: string | null, minute: number) => ({
  repository,
  pipeline,
  url: null,
  at: `2026-11-20T12:0${minute}:00.000Z` as Timestamp,
});

test('pipelines outside the catalogue have a reason and the lines that map them, the newest first', () => {
  const found = unmappedPipelines(services, [
    run('acme/shop', 'Docs: "all"', 1),
    run('acme/shop', 'Cart', 2), // mapped since
    run('acme/checkout', null, 3), // the only service of its repository
    run('acme/unknown', 'CI', 4),
    run('Acme/Shop', 'Both', 5),
    run('acme/shop', null, 6),
  ]);
  expect(found.map(({ why, lines }) => [why, lines])).toEqual([
    [
      'cart, search share the repository "acme/shop", and none lists a pipeline without a name',
      'services:\n  <cart | search>:\n    pipelines: ["<name of the pipeline>"]',
    ],
    [
      'cart, search share the repository "acme/shop", and list the pipeline "Both"',
      'services:\n  <only one of cart | search>:\n    pipelines: ["Both"]',
    ],
    ['no service has the repository "acme/unknown"', 'services:\n  unknown:\n    repository: "acme/unknown"'],
    [
      'cart, search share the repository "acme/shop", and none lists the pipeline "Docs: \\"all\\""',
      'services:\n  <cart | search>:\n    pipelines: ["Docs: \\"all\\""]',
    ],
  ]);
  expect(parse(found.at(-1)?.lines ?? '')).toEqual({ services: { '<cart | search>': { pipelines: ['Docs: "all"'] } } });
});
