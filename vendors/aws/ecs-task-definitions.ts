import { DescribeTaskDefinitionCommand, type ECSClient, ListTaskDefinitionsCommand } from '@aws-sdk/client-ecs';
import { type AwsCall, refuse } from './attempt.ts';
import { severalCommits, showDifferentCommits } from '../shared/shown-commits.ts';
import { commitsIn, type Names, whichOf } from './naming.ts';

/** A task definition revision with the texts that identify its version. */
export type Revision = {
  arn: string;
  /** `family:revision` */
  name: string;
  /** The tag and digest of the container's image, then the task definition's tags named `version` or `commit`. */
  texts: string[];
  /** A name of the running version to display. */
  label: string;
};

/** Maximum `DescribeTaskDefinition` calls in one attempt. Each takes about 0.1 s; the API allows 20 per second. */
const MAX_DESCRIBED = 50;

/**
 * Reads a task definition by ARN or name.
 * @param container undefined for the first essential container
 */
export async function describeRevision(
  client: ECSClient,
  taskDefinition: string,
  container: string | undefined,
  call: AwsCall,
): Promise<Revision> {
  const command = new DescribeTaskDefinitionCommand({ taskDefinition, include: ['TAGS'] });
  const { taskDefinition: definition, tags } = await call((options) => client.send(command, options));
  const name = `${definition?.family}:${definition?.revision}`;
  const containers = definition?.containerDefinitions ?? [];
  const versioned = containers.find((candidate) =>
    container === undefined ? candidate.essential !== false : candidate.name === container,
  );
  if (versioned === undefined)
    refuse(`the task definition ${name} has no container ${container ?? 'that is essential'}`);
  const { tag, digest } = imageOf(versioned.image ?? '');
  const versionTags = (tags ?? [])
    .filter(({ key }) => /^(?:version|commit)$/i.test(key ?? ''))
    .map(({ value }) => value);
  const texts = [tag, digest, ...versionTags].filter((text) => text !== undefined && text !== '') as string[];
  return { arn: definition?.taskDefinitionArn ?? taskDefinition, name, texts, label: texts[0] ?? name };
}

/**
 * Returns the tag and digest of an image such as `registry:5000/team/checkout:v42@sha256:…`. The port and the name
 * contain no version.
 */
function imageOf(image: string): { tag: string | undefined; digest: string | undefined } {
  const [name = '', digest] = image.split('@', 2);
  return { tag: /:([^/:]+)$/.exec(name)?.[1], digest };
}

/**
 * Returns which of the two versions the revision runs. A version written as `family:revision` or as an ARN takes
 * precedence.
 */
export function whichRevision({ arn, name, texts }: Pick<Revision, 'arn' | 'name' | 'texts'>, names: Names) {
  const isNamed = (version: string) => version === arn || version === name;
  return isNamed(names.from) ? 'from' : isNamed(names.to) ? 'to' : whichOf(texts, names);
}

/**
 * Finds the revision that runs `to` in the family of the running revision: the newest one below the running revision,
 * otherwise the newest above it. Only ACTIVE revisions count, because others can't be started.
 */
export async function findRevision(
  client: ECSClient,
  running: Revision,
  names: Names,
  container: string | undefined,
  call: AwsCall,
): Promise<Revision> {
  const [family = '', number = '0'] = running.name.split(':');
  const command = new ListTaskDefinitionsCommand({
    familyPrefix: family,
    status: 'ACTIVE',
    sort: 'DESC',
    maxResults: 100,
  });
  const { taskDefinitionArns = [] } = await call((options) => client.send(command, options));
  const below = taskDefinitionArns.filter((arn) => numberOf(arn) < Number(number));
  const above = taskDefinitionArns.filter((arn) => numberOf(arn) > Number(number));
  const candidates = [...below, ...above].slice(0, MAX_DESCRIBED);
  let found: Revision | undefined;
  for (const arn of onlyNamed(candidates, names.to)) {
    const revision = await describeRevision(client, arn, container, call);
    if (whichRevision(revision, names) !== 'to') continue;
    const shown = commitsIn(revision.texts, names);
    if (found && showDifferentCommits([commitsIn(found.texts, names), shown])) refuse(severalCommits(names.to));
    found ??= revision;
    // If its commit is not known, an older revision can have the same name and another commit.
    if (names.toCommit !== null || shown.length === 0) return found;
  }
  if (found) return found;
  return refuse(
    `none of the ${candidates.length} newest active revisions of ${family} beside the running one runs ${names.to}: ` +
      `searched are the image tag, the tags version and commit, and ${family}:<revision>`,
  );
}

const numberOf = (arn: string): number => Number(arn.split(':').at(-1));

/** Returns the revision that the version names, which makes a search unnecessary; otherwise all revisions. */
const onlyNamed = (arns: readonly string[], version: string): readonly string[] => {
  const named = arns.filter((arn) => arn === version || arn.endsWith(`/${version}`));
  return named.length > 0 ? named : arns;
};
