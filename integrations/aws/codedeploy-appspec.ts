import { createHash } from 'node:crypto';
import type { AppSpecContent } from '@aws-sdk/client-codedeploy';
import { parse } from 'yaml';

type Json = Record<string, unknown>;

/** One resource of an AppSpec: the alias and versions of a function, or the task definition of a service. */
type Resource = { properties: Json };

/**
 * Returns the targets that an AppSpec deploys: `41` for a Lambda function, `family:41` for ECS, with and without the
 * ARN prefix.
 */
export const targetsOf = (content: string): string[] =>
  resourcesOf(read(content)).flatMap(({ properties }) => {
    const task = text(properties, 'taskdefinition');
    const version = text(properties, 'targetversion');
    return [version, task, task?.split('/').at(-1)].filter((target) => target !== undefined);
  });

/**
 * Returns an AppSpec that deploys the target of `good` again. For a Lambda function, it also sets the version that the
 * alias points at now, because CodeDeploy refuses any other value.
 *
 * @param running the AppSpec of the live deployment
 * @returns undefined if `running` doesn't show the current version of each alias
 */
export function appSpecToRestore(good: string, running: string): AppSpecContent | undefined {
  const document = read(good);
  const live = resourcesOf(read(running));
  for (const { properties } of resourcesOf(document)) {
    const currentVersionKey = keyOf(properties, 'currentversion');
    if (currentVersionKey === undefined) continue; // ECS: nothing to change
    const same = live.find((other) =>
      ['name', 'alias'].every((key) => text(other.properties, key) === text(properties, key)),
    );
    const liveVersion = same && text(same.properties, 'targetversion');
    if (liveVersion === undefined) return undefined;
    properties[currentVersionKey] = liveVersion;
  }
  const content = JSON.stringify(document);
  return { content, sha256: createHash('sha256').update(content).digest('hex') };
}

/** Parses JSON and YAML. Every JSON document is valid YAML. */
function read(content: string): unknown {
  try {
    return parse(content) as unknown;
  } catch {
    return undefined;
  }
}

/** Finds the resources. AppSpec keys occur in upper and lower case. */
function resourcesOf(document: unknown): Resource[] {
  const list = value(document, 'resources');
  if (!Array.isArray(list)) return [];
  return list
    .flatMap((entry: unknown) => (isJson(entry) ? Object.values(entry) : []))
    .map((resource) => value(resource, 'properties'))
    .filter(isJson)
    .map((properties) => ({ properties }));
}

const isJson = (of: unknown): of is Json => typeof of === 'object' && of !== null && !Array.isArray(of);

const keyOf = (of: Json, key: string): string | undefined => Object.keys(of).find((each) => each.toLowerCase() === key);

function value(of: unknown, key: string): unknown {
  if (!isJson(of)) return undefined;
  const name = keyOf(of, key);
  return name === undefined ? undefined : of[name];
}

/** Returns a value as text. YAML parses an unquoted version as a number. */
function text(of: Json, key: string): string | undefined {
  const found = value(of, key);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
