import { DescribeTaskDefinitionCommand, type ECSClient, ListTaskDefinitionsCommand } from '@aws-sdk/client-ecs';
import { type Ask, refuse } from './attempt.ts';
import { type Names, whichOf } from './naming.ts';

/** A revision of a task definition, and by what it can be told which version it runs. */
export type Revision = {
  arn: string;
  /** `family:revision` */
  name: string;
  /** Tag and digest of the container's image, then the tags of the definition that are called version or commit. */
  texts: string[];
  /** As people call what it runs. */
  label: string;
};

/** Calls of an attempt: each takes a tenth of a second, and the API allows twenty in one. */
const MAX_DESCRIBED = 50;

/** The arn of a task definition, or its name. @param container undefined: the first that is essential */
export async function describeRevision(
  client: ECSClient,
  taskDefinition: string,
  container: string | undefined,
  ask: Ask,
): Promise<Revision> {
  const command = new DescribeTaskDefinitionCommand({ taskDefinition, include: ['TAGS'] });
  const { taskDefinition: found, tags } = await ask((options) => client.send(command, options));
  const name = `${found?.family}:${found?.revision}`;
  const containers = found?.containerDefinitions ?? [];
  const one = containers.find((each) => (container === undefined ? each.essential !== false : each.name === container));
  if (one === undefined) refuse(`the task definition ${name} has no container ${container ?? 'that is essential'}`);
  const { tag, digest } = imageOf(one.image ?? '');
  const noted = (tags ?? []).filter(({ key }) => /^(?:version|commit)$/i.test(key ?? '')).map(({ value }) => value);
  const texts = [tag, digest, ...noted].filter((text) => text !== undefined && text !== '') as string[];
  return { arn: found?.taskDefinitionArn ?? taskDefinition, name, texts, label: texts[0] ?? name };
}

/** `registry:5000/team/checkout:v42@sha256:…`: neither the port nor the name says a version. */
function imageOf(image: string): { tag: string | undefined; digest: string | undefined } {
  const [, tag, digest] = /^(?:.*\/)?[^/:@]+(?::([^@]+))?(?:@(.+))?$/.exec(image) ?? [];
  return { tag, digest };
}

/** Which of the two versions it runs. Where a version is written as `family:revision` or as an ARN, that decides. */
export function whichRevision({ arn, name, texts }: Pick<Revision, 'arn' | 'name' | 'texts'>, names: Names) {
  const is = (version: string) => version === arn || version === name;
  return is(names.from) ? 'from' : is(names.to) ? 'to' : whichOf(texts, names);
}

/**
 * The revision of the running one's family that runs `to`: the newest below the running one, else the newest above it.
 * Only those that are still ACTIVE: others can't be started.
 */
export async function findRevision(
  client: ECSClient,
  running: Revision,
  names: Names,
  container: string | undefined,
  ask: Ask,
): Promise<Revision> {
  const [family = '', number = '0'] = running.name.split(':');
  const command = new ListTaskDefinitionsCommand({
    familyPrefix: family,
    status: 'ACTIVE',
    sort: 'DESC',
    maxResults: 100,
  });
  const { taskDefinitionArns = [] } = await ask((options) => client.send(command, options));
  const below = taskDefinitionArns.filter((arn) => numberOf(arn) < Number(number));
  const above = taskDefinitionArns.filter((arn) => numberOf(arn) > Number(number));
  const tried = [...below, ...above].slice(0, MAX_DESCRIBED);
  for (const arn of namedFirst(tried, names.to)) {
    const revision = await describeRevision(client, arn, container, ask);
    if (whichRevision(revision, names) === 'to') return revision;
  }
  return refuse(
    `none of the ${tried.length} newest active revisions of ${family} beside the running one runs ${names.to}: ` +
      `it is looked for in the tag of the image, in the tags version and commit, and as ${family}:<revision>`,
  );
}

const numberOf = (arn: string): number => Number(arn.split(':').at(-1));

/** A version that is written as the name of a revision needs no search. */
const namedFirst = (arns: readonly string[], version: string): readonly string[] => {
  const named = arns.filter((arn) => arn === version || arn.endsWith(`/${version}`));
  return named.length > 0 ? named : arns;
};
