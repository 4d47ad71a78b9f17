import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { componentsOf, componentStatus, publicStatus, withComponents, worst } from '../../decisions/public-texts.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { ComponentStatus } from '../../schemas/states.ts';
import { StatusPageFile } from '../../schemas/status-page-file.ts';
import { change } from '../../../../test/core/arbitraries.ts';
import { anyStory, incident } from '../../../../test/core/stories.ts';

const config = (publish: 'auto' | 'approve' = 'auto', statusPage: object = {}) =>
  Config.parse({
    version: 'test',
    services: { checkout: { statusPage: { components: ['Checkout', 'Payments'], publish } }, cart: null },
    paging: {},
    statusPage,
  });

describe('the public status page shows', () => {
  const told = (more: Parameters<typeof incident>[0], of = config()) => componentsOf(incident(more), of);

  test('critical incidents in production, by the components of the catalogue', () => {
    expect(told({})).toEqual({ names: ['Checkout', 'Payments'], publish: 'now' });
  });

  test.each([
    ['a lesser one', told({ severity: 'warning' })],
    ['another environment', told({ environment: 'staging' as EnvironmentName })],
    ['a service without components', told({ service: 'cart' as ServiceName })],
    ['a service that is not in the catalogue', told({ service: 'unmatched' as ServiceName, unmatched: 'checkout' })],
    ['a service with an odd name', told({ service: 'constructor' as ServiceName })],
  ])('nothing of %s', (_, { names }) => {
    expect(names).toEqual([]);
  });

  test('warnings if configured, and never info', () => {
    const warnings = config('auto', { from: 'warning' });
    expect(told({ severity: 'warning' }, warnings).names).toHaveLength(2);
    expect(told({ severity: 'info' }, warnings).names).toEqual([]);
  });

  test('an incident after approval by a person, unless publication is automatic', () => {
    expect(told({}, config('approve')).publish).toBe('ask');
    expect(told({ published_by: 'person:ada' }, config('approve')).publish).toBe('now');
  });
});

test('the usual texts fit one component and several: none has them as its subject', () => {
  const { title, updates } = StatusPageFile.parse({});
  for (const text of [title, ...Object.values(updates)]) expect(text).toMatch(/^[A-Z].* \{components\}/);
});

describe('the public status of an incident', () => {
  const suspects = [{ change_id: change('v2', 9).id, version: 'v2' as Version, confidence: 1, reasons: [] }];

  test.each([
    [{ status: 'open', suspects }, 'investigating'],
    [{ status: 'mitigating', suspects: [] }, 'investigating'],
    [{ status: 'mitigating', suspects }, 'identified'],
    [{ status: 'mitigated', suspects }, 'monitoring'],
    [{ status: 'resolved', suspects }, 'resolved'],
  ] as const)('%#', (one, expected) => {
    expect(publicStatus({ ...one, suspects: [...one.suspects] })).toBe(expected);
  });

  test("a component's status follows the severity, is better when mitigated, and operational when resolved", () => {
    const page = StatusPageFile.parse({});
    const statuses = (['open', 'mitigating', 'mitigated', 'resolved'] as const).map((status) =>
      componentStatus({ status, severity: 'critical' }, page),
    );
    expect(statuses).toEqual(['major_outage', 'major_outage', 'degraded_performance', 'operational']);
    expect(componentStatus({ status: 'open', severity: 'warning' }, page)).toBe('degraded_performance');
  });

  test('a component has the worst status of its incidents', () => {
    expect(worst([])).toBe('operational');
    expect(worst(['degraded_performance', 'major_outage', 'operational'])).toBe('major_outage');
    for (const status of ComponentStatus.options) expect(worst([status, 'operational'])).toBe(status);
  });
});

describe('public texts', () => {
  test.each([
    [['Checkout'], 'Problems with Checkout'],
    [['Checkout', 'Payments'], 'Problems with Checkout and Payments'],
    [['A', 'B', 'C'], 'Problems with A, B and C'],
    [['Pay$& $1 $$'], 'Problems with Pay$& $1 $$'],
  ])('name the components: %j', (names, expected) => {
    expect(withComponents('Problems with {components}', names)).toBe(expected);
  });

  test('consist of the template and any component names', () => {
    const anyText = fc.oneof(fc.string({ maxLength: 9 }), fc.constantFrom('$&', '$1', '$$', '`', '{components}'));
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 3 }), anyText, (pieces, name) => {
        expect(withComponents(pieces.join('{components}'), [name])).toBe(
          pieces.join('{components}').split('{components}').join(name),
        );
      }),
    );
  });

  test('never contain text from alerts: incidents in the same state have the same text', () => {
    const of = config('auto', { from: 'warning' });
    const page = of.statusPage;
    fc.assert(
      fc.property(anyStory, ({ incident: any }) => {
        // Fields that an alert can influence, in addition to its service and severity.
        const { suspects, severity, status: stands, verification } = any;
        const same = { severity, status: stands, verification };
        const named = { ...any, ...incident({ ...same, suspects }), title: any.title, unmatched: any.unmatched };
        const plain = incident({
          ...same,
          suspects: suspects.map((suspect) => ({ ...suspect, version: 'v' as Version, reasons: [] })),
        });
        const [a, b] = [named, plain].map((one) => {
          const { names, publish } = componentsOf(one, of);
          const status = publicStatus(one);
          const texts = [page.title, page.updates[status]].map((template) => withComponents(template, names));
          return { names, publish, status, texts, component: componentStatus(one, page) };
        });
        expect(a).toEqual(b);
      }),
    );
  });
});
