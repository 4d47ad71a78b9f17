import { expect, test } from 'vitest';
import { checkComponents } from '../../actions/check-components.ts';
import { namedComponent } from '../../decisions/named-component.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { statuspage } from '../../vendors/statuspage/status-page.ts';
import { vendor } from '../../../../test/vendors/server.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';

const component = (id: string, name: string, group_id: string | null = null, group = false) => {
  return { id, name, status: 'operational', group, group_id };
};
const PAGE = [
  component('ge', 'Europe', null, true),
  component('ga', 'America', null, true),
  component('c1', 'API', 'ge'),
  component('c2', 'API', 'ga'),
  component('c3', 'Checkout'),
];
const { clock } = new FakeWorld('2026-11-20T12:00:00.000Z');
const pageWith = async (all: readonly object[]) => {
  const { url } = await vendor({ body: JSON.stringify(all) });
  const always = (value: string) => async () => value;
  return statuspage({ apiUrl: always(url), apiKey: always('key'), pageId: always('page'), clock });
};

test.each([
  ['c2', 'c2'],
  ['America/API', 'c2'],
  ['Europe/API', 'c1'],
  ['Checkout', 'c3'],
  ['API', /several components "API".*Europe\/API \(ID c1\), America\/API \(ID c2\)/],
  ['Europe', /no component "Europe"/],
  ['Asia/API', /no component "Asia\/API"/],
])('the component %s is %s', async (called, expected) => {
  const read = await (await pageWith(PAGE)).components();
  const found = namedComponent(read.kind === 'done' ? read.value : [], called);
  if (typeof expected === 'string') expect(found).toEqual({ kind: 'one', id: expected });
  else expect(found).toMatchObject({ problem: expect.stringMatching(expected) });
});

test('a name that no or several components have is a problem of the connection', async () => {
  const statusPage = await pageWith(PAGE);
  const checked = (components: string[]) => {
    const services = { shop: { environments: { production: {} }, statusPage: { components } } };
    const current = Config.parse({ version: 'c1', services, paging: {} });
    return checkComponents({ statusPage, config: { current: async () => current } as never });
  };
  expect(await checked(['Checkout', 'Europe/API', 'c2'])).toEqual({ kind: 'done', value: null });
  expect(await checked(['API', 'Cart'])).toMatchObject({
    kind: 'refused',
    detail: expect.stringMatching(/several components "API".*; .*no component "Cart"/),
  });
});
