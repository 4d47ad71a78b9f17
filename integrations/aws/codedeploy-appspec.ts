import { createHash } from 'node:crypto';
import type { AppSpecContent } from '@aws-sdk/client-codedeploy';
import { parse } from 'yaml';

type Json = Record<string, unknown>;

/** One resource of an AppSpec: a function's alias and its versions, or the task definition of a service. */
type Resource = { properties: Json };

/** What an AppSpec puts live: `41` of a Lambda function, `family:41` of ECS, with and without the rest of its ARN. */
export const targetsOf = (content: string): string[] =>
  resourcesOf(read(content)).flatMap(({ properties }) => {
    const task = text(properties, 'taskdefinition');
    const version = text(properties, 'targetversion');
    return [version, task, task?.split('/').at(-1)].filter((target) => target !== undefined);
  });

/**
 * An AppSpec that goes back to what `good` put live. For a Lambda function it names the version that the alias points
 * at, too, which is another one by now: CodeDeploy refuses it otherwise.
 *
 * @param running of the deployment that is live
 * @returns undefined where `running` does not tell what each alias points at
 */
export function backTo(good: string, running: string): AppSpecContent | undefined {
  const document = read(good);
  const live = resourcesOf(read(running));
  for (const { properties } of resourcesOf(document)) {
    const current = keyOf(properties, 'currentversion');
    if (current === undefined) continue; // ECS: nothing to change
    const same = live.find((other) =>
      ['name', 'alias'].every((key) => text(other.properties, key) === text(properties, key)),
    );
    const points = same && text(same.properties, 'targetversion');
    if (points === undefined) return undefined;
    properties[current] = points;
  }
  const content = JSON.stringify(document);
  return { content, sha256: createHash('sha256').update(content).digest('hex') };
}

/** JSON is YAML, too. */
function read(content: string): unknown {
  try {
    return parse(content) as unknown;
  } catch {
    return undefined;
  }
}

/** Keys are written with and without capitals. */
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

/** YAML makes a number of an unquoted version. */
function text(of: Json, key: string): string | undefined {
  const found = value(of, key);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
