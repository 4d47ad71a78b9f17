import { glob, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { api } from '../../../entrances/http/app.ts';
import { FakeWorld } from '../../support/fake-deps.ts';
import { isSchema, unboundedStrings } from '../../support/unbounded-strings.ts';

const HOOKS = [
  'gate',
  'confirm-rollout',
  'rollout',
  'confirm-traffic-increase',
  'confirm-promotion',
  'rollback-degraded',
  'rollback',
  'event',
];

/** Texts of requests without a maximum, each with the reason. */
const REQUEST_EXCEPTIONS: Readonly<Record<string, string>> = {
  'POST /v1/pipelines/tests ': 'XML, limited by its bytes and by the limits of its parser',
  'PUT /v1/incidents/{id}/postmortem ': 'Markdown, limited to 80,000 characters when it is saved',
  ...Object.fromEntries(
    HOOKS.map((hook) => [
      `POST /integrations/flagger/${hook} .metadata.*`,
      'cut: a message of Flagger can have any length',
    ]),
  ),
};

test('every text of a request has a maximum length', () => {
  const app = api(new FakeWorld().deps);
  const routes = app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === 'route' ? [definition.route] : [],
  );
  expect(routes.length).toBeGreaterThan(100);
  const found = routes.flatMap(({ method, path, request }) => {
    const bodies = Object.values(request?.body?.content ?? {}).map((part) =>
      part !== undefined && 'schema' in part ? part.schema : null,
    );
    return [...bodies, request?.query, request?.params, request?.headers].flatMap((schema) =>
      isSchema(schema) ? unboundedStrings(schema).map((text) => `${method.toUpperCase()} ${path} ${text}`) : [],
    );
  });
  expect([...new Set(found)].toSorted()).toEqual(Object.keys(REQUEST_EXCEPTIONS).toSorted());
});

/** Files with the schemas of what senders and people enter besides the API: webhooks, alerts, Slack, and the console. */
const ENTRANCES = [
  'schemas/alerts/sources/*.ts',
  'vendors/*/alert-source.ts',
  'schemas/messages/pagerduty.ts',
  'schemas/slack/*.ts',
  'features/*/vendors/otlp/*.ts',
  'vendors/sns/*.ts',
  'vendors/cdevents/*.ts',
  'vendors/flux/event.ts',
  'vendors/flagger/hook.ts',
  'vendors/terraform/notification.ts',
  'vendors/launchdarkly/webhook.ts',
  'vendors/go-feature-flag/webhook.ts',
  'vendors/argo-cd/notification.ts',
  'vendors/argo-rollouts/notification.ts',
  'vendors/aws/deployment-events.ts',
  'vendors/{github,gitlab}/changes.ts',
  'features/postmortems/vendors/jira/webhook.ts',
  'features/*/slack/**/*.ts',
  'features/*/pages/**/actions.ts',
  'vendors/pagerduty/webhook.ts',
  'entrances/slack/**/*.ts',
  'entrances/console/pages/**/actions.ts',
];

/** Lines without a maximum, each with the reason. */
const LINE_EXCEPTIONS: Readonly<Record<string, string>> = {
  'features/pipelines/vendors/otlp/traces.ts: key: z.string(),':
    'attributes with a long key are left out in both encodings',
  'features/pipelines/vendors/otlp/traces.ts: stringValue: z.string().nullish(),':
    'long values are left out, and reported to the sender, where a pipeline is read',
};

test('every text in a schema of a webhook, a command, or a form has a maximum length', async () => {
  const found: string[] = [];
  for (const pattern of ENTRANCES) {
    const files: string[] = [];
    for await (const file of glob(pattern)) files.push(file);
    // A feature may be left out.
    if (!pattern.startsWith('features/')) expect([pattern, files.length]).not.toEqual([pattern, 0]);
    for (const file of files) {
      const code = await readFile(file, 'utf8');
      for (const { index } of code.matchAll(/(?<!record\()z\s*\.string\(\)/g))
        if (
          !/^z\s*\.string\(\)(?:\s*\.(?!max|regex|length|pipe)\w+\([^()]*\))*\s*\.(?:max|regex|length|pipe\(cutText)\(/.test(
            code.slice(index),
          )
        ) {
          const line = code.slice(0, index).split('\n').length;
          found.push(`${file}: ${code.split('\n')[line - 1]?.trim()}`);
        }
    }
  }
  expect(found.toSorted()).toEqual(Object.keys(LINE_EXCEPTIONS).toSorted());
});
