import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deliveryRules } from '../../../decisions/generate/delivery-rules.ts';
import type { AlertingRule } from '../../../decisions/generate/rule.ts';
import { parsesAsPromql } from '../../../../../local/config/promql.ts';
import { Config, emptyConfig } from '../../../../../schemas/config/config.ts';

const generatedFor = (services: object, lowVelocity = true): AlertingRule[] =>
  deliveryRules({
    services: Config.parse({ ...emptyConfig, services }).services,
    environments: ['production', 'prod.eu'],
    url: 'https://firebreak.example',
    lowVelocity,
  }).groups.flatMap(({ rules }) => rules as AlertingRule[]);

const kubernetes = { kind: 'kubernetes', url: 'https://k8s.example', auth: { bearer: 'KUBERNETES_TOKEN' } };
const CHECKOUT = {
  environments: {
    production: {
      deployer: { ...kubernetes, namespace: 'shop' },
      sources: {
        argoApplication: ['checkout.prod', 'workers'],
        fluxObject: ['HelmRelease/shop/checkout'],
        kubernetesWorkload: ['eu-1/shop/StatefulSet/queue', 'eu-1/shop/CronJob/nightly'],
      },
    },
  },
};

test('each alert is valid PromQL, and has a severity, texts, and a runbook that exists', () => {
  const rules = generatedFor({ checkout: CHECKOUT });
  expect(rules.map(({ alert }) => alert)).toEqual([
    'DeploymentFailed',
    'HighErrorRateAfterDeploy',
    'TimeToRestoreHigh',
    'LowDeploymentFrequency',
    'ConfigurationDrift',
    'SlowStartUp',
    'ContainerCPUHigh',
    'ContainerMemoryHigh',
  ]);
  for (const { expr, labels, annotations } of rules) {
    expect(parsesAsPromql(expr)).toBeNull();
    expect(labels['severity']).toMatch(/^(page|ticket|info)$/);
    const runbook = annotations['runbook_url']?.replace('https://firebreak.example/console/runbooks/', '');
    expect(existsSync(new URL(`../../../../../runbooks/${runbook}.md`, import.meta.url))).toBe(true);
    expect([undefined, runbook]).toContain(labels['runbook']);
  }
});

test('rare deploys are reported on request only, and figures never open incidents', () => {
  const rules = generatedFor({}, false);
  expect(rules.map(({ alert }) => alert)).toEqual([
    'DeploymentFailed',
    'HighErrorRateAfterDeploy',
    'TimeToRestoreHigh',
  ]);
  const figures = generatedFor({}).filter(({ expr }) => expr.includes('firebreak_dora_'));
  expect(figures.map(({ labels }) => labels['runbook'])).toEqual([undefined, undefined]);
});

describe('a rule of an environment', () => {
  const exprOf = (alert: string, service: object) =>
    generatedFor({ checkout: service }).find((rule) => rule.alert === alert)?.expr;

  test('names what the catalogue has, and leaves out workloads without instances of their own', () => {
    expect(exprOf('ConfigurationDrift', CHECKOUT)).toContain(String.raw`name=~"checkout\\.prod|workers"`);
    expect(exprOf('ConfigurationDrift', CHECKOUT)).toContain('exported_namespace="shop", name="checkout"');
    const started = exprOf('SlowStartUp', CHECKOUT) ?? '';
    expect(started).toContain('pod=~"checkout-[0-9a-z]+-[0-9a-z]{5}"');
    expect(started).toContain('pod=~"queue-[0-9]+"');
    expect(started).not.toContain('nightly');
  });

  test('exists only if the catalogue names something', () => {
    const none = { environments: { production: {} } };
    expect([exprOf('ConfigurationDrift', none), exprOf('SlowStartUp', none)]).toEqual([undefined, undefined]);
    const argo = { environments: { production: { deployer: { kind: 'argo-cd', url: 'https://argo.example' } } } };
    expect(exprOf('ConfigurationDrift', argo)).toContain('name=~"checkout"');
  });
});
