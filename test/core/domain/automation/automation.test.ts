import { expect, test } from 'vitest';
import { modesFor } from '../../../../core/domain/automation/automation.ts';
import type { ServiceEnvironment } from '../../../../core/domain/ports/common.ts';
import { type Automation, untouchedAutomation } from '../../../../schemas/access/access.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';

const serviceEnvironment = (service: string, environment = 'production'): ServiceEnvironment => ({
  service: service as ServiceName,
  environment: environment as EnvironmentName,
});

const automation: Automation = {
  ...untouchedAutomation,
  mode: 'approve',
  services: {
    checkout: { mode: 'act', environments: { production: 'suggest' } },
    search: { mode: null, environments: { staging: 'shadow' } },
  },
};

test.each([
  ['all that apply to the service and its environment', serviceEnvironment('checkout'), ['approve', 'act', 'suggest']],
  ['those of the service, in another environment', serviceEnvironment('checkout', 'staging'), ['approve', 'act']],
  ['those of the environment alone', serviceEnvironment('search', 'staging'), ['approve', 'shadow']],
  ['those for all, for a service without its own', serviceEnvironment('payments'), ['approve']],
  ['not properties that every object has', serviceEnvironment('constructor', '__proto__'), ['approve']],
])('the modes of a service and environment are %s', (_, where, modes) => {
  expect(modesFor(automation, where, {})).toEqual(modes);
});

test('a cap that an earlier version stored by another usual name applies, unless the service has both names', () => {
  const stored = { ...untouchedAutomation, services: { checkout: { mode: null, environments: { prod: 'shadow' } } } };
  const modes = (environments: object, environment?: string) =>
    modesFor(stored as Automation, serviceEnvironment('checkout', environment), {
      checkout: { environments },
    } as never);
  expect(modes({ production: null })).toEqual(['shadow']);
  expect(modes({ production: null, prod: null })).toEqual([]);
  expect(modes({ production: null, prod: null }, 'prod')).toEqual(['shadow']);
  expect(modes({ production: null, staging: null }, 'staging')).toEqual([]);
});

test('default automation settings cap nothing', () => {
  expect(modesFor(untouchedAutomation, serviceEnvironment('checkout'), {})).toEqual([]);
});

test('services and environments can have names of object properties', () => {
  const services = JSON.parse(
    '{"__proto__": {"mode": "shadow", "environments": {"constructor": "suggest"}}}',
  ) as Automation['services'];
  expect(modesFor({ ...untouchedAutomation, services }, serviceEnvironment('__proto__', 'constructor'), {})).toEqual([
    'shadow',
    'suggest',
  ]);
});
