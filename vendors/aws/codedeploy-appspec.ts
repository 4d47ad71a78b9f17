import { createHash } from 'node:crypto';
import type { AppSpecContent } from '@aws-sdk/client-codedeploy';
import { parseForeignYaml } from '../shared/yaml.ts';

type Json = Record<string, unknown>;

/** One resource of an AppSpec: the alias and versions of a function, or the task definition of a service. */
type Resource = { properties: Json };

/**
 * Returns the targets that an AppSpec deploys: `41` for a Lambda function, `family:41` for ECS, with and without the
 * ARN prefix.
 */
export const targetsOf = (content: string): string[] =>
  resourcesOf(parseForeignYaml(content)).flatMap(({ properties }) => {
    const task = textOf(properties, 'taskdefinition');
    const version = textOf(properties, 'targetversion');
    return [version, task, task?.split('/').at(-1)].filter((target) => target !== undefined);
  });

/**
 * Returns an AppSpec that deploys the target of `goodAppSpec` again. For a Lambda function, it also sets the version that the
 * alias points at now, because CodeDeploy refuses any other value.
 *
 * @param runningAppSpec the AppSpec of the live deployment
 * @returns undefined if `runningAppSpec` doesn't show the current version of each alias
 */
export function appSpecToRestore(goodAppSpec: string, runningAppSpec: string): AppSpecContent | undefined {
  const document = parseForeignYaml(goodAppSpec);
  const live = resourcesOf(parseForeignYaml(runningAppSpec));
  for (const { properties } of resourcesOf(document)) {
    const currentVersionKey = keyOf(properties, 'currentversion');
    if (currentVersionKey === undefined) continue; // ECS: nothing to change
    const liveResource = live.find((other) =>
      ['name', 'alias'].every((key) => textOf(other.properties, key) === textOf(properties, key)),
    );
    const liveVersion = liveResource && textOf(liveResource.properties, 'targetversion');
    if (liveVersion === undefined) return undefined;
    properties[currentVersionKey] = liveVersion;
  }
  const content = JSON.stringify(document);
  return { content, sha256: createHash('sha256').update(content).digest('hex') };
}

/** Finds the resources. AppSpec keys occur in upper and lower case. */
function resourcesOf(document: unknown): Resource[] {
  const list = valueOf(document, 'resources');
  if (!Array.isArray(list)) return [];
  return list
    .flatMap((namedResource: unknown) => (isJson(namedResource) ? Object.values(namedResource) : []))
    .map((resource) => valueOf(resource, 'properties'))
    .filter(isJson)
    .map((properties) => ({ properties }));
}

const isJson = (object: unknown): object is Json =>
  typeof object === 'object' && object !== null && !Array.isArray(object);

const keyOf = (object: Json, key: string): string | undefined =>
  Object.keys(object).find((name) => name.toLowerCase() === key);

function valueOf(object: unknown, key: string): unknown {
  if (!isJson(object)) return undefined;
  const name = keyOf(object, key);
  return name === undefined ? undefined : object[name];
}

/** Returns a value as text. YAML parses an unquoted version as a number. */
function textOf(object: Json, key: string): string | undefined {
  const found = valueOf(object, key);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
