import { type FunctionConfiguration, type LambdaClient, ListVersionsByFunctionCommand } from '@aws-sdk/client-lambda';
import { type AwsCall, refuse } from './attempt.ts';
import { severalCommits, showDifferentCommits } from '../shared/shown-commits.ts';
import { commitsIn, type Names, whichOf } from './naming.ts';

/** A published version of a function. `number` is the Lambda version number: 1, 2, 3, … */
export type PublishedVersion = { number: string; description: string };

/** Maximum pages of 50 versions that fit into one attempt. */
const MAX_PAGES = 60;

/** Returns the published versions, highest number first. Reads all pages, because the API guarantees no order. */
export async function publishedVersions(
  client: LambdaClient,
  functionName: string,
  call: AwsCall,
): Promise<PublishedVersion[]> {
  const versions: PublishedVersion[] = [];
  let marker: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = { FunctionName: functionName, ...(marker !== undefined && { Marker: marker }) };
    const response = await call((options) => client.send(new ListVersionsByFunctionCommand(query), options));
    versions.push(...(response.Versions ?? []).flatMap(publishedVersion));
    marker = response.NextMarker;
    if (marker === undefined || marker === '') {
      return versions.toSorted((a, b) => Number(b.number) - Number(a.number));
    }
  }
  return refuse(`${functionName} has more than ${MAX_PAGES * 50} published versions; delete unused versions`);
}

const publishedVersion = ({ Version, Description }: FunctionConfiguration): PublishedVersion[] =>
  Version === undefined || !/^\d+$/.test(Version) ? [] : [{ number: Version, description: Description ?? '' }];

/** Identifies a published version as `from` or `to` of a rollback, by its number or by its Description. */
type Identify = (version: PublishedVersion, names: Names) => 'from' | 'to' | undefined;

const byNumber: Identify = ({ number }, { from, to }) => (number === from ? 'from' : number === to ? 'to' : undefined);

const byDescription: Identify = ({ description }, names) => whichOf([description], names);

/**
 * Finds both versions at Lambda. A team uses either numbers or descriptions, so both versions must be found in the same
 * way: otherwise the build number 12 could be mistaken for the function's version 12.
 */
export function identifyVersions(versions: readonly PublishedVersion[], names: Names) {
  const matches = [byNumber, byDescription].map((identify) => {
    const newest = (which: 'from' | 'to') => versions.find((version) => identify(version, names) === which);
    return { reading: identify, from: newest('from'), to: newest('to') };
  });
  const complete = matches.filter(({ from, to }) => from !== undefined && to !== undefined);
  const [first, second] = complete;
  if (first && second && (first.to !== second.to || first.from !== second.from)) {
    refuse(
      `${names.to} is the number of one version, and in the Description of version ${second.to?.number}; ` +
        'the version is ambiguous',
    );
  }
  const chosen = first ?? matches.find(({ to }) => to !== undefined);
  if (chosen?.to === undefined) {
    return refuse(
      `no published version is ${names.to}: neither a version number, nor named in a Description` +
        (names.toCommit === null ? '' : `, and neither is ${names.toCommit}`),
    );
  }
  const { reading: identify, to } = chosen;
  const alike = versions.filter((version) => identify === byDescription && identify(version, names) === 'to');
  if (names.toCommit === null && showDifferentCommits(alike.map(({ description }) => commitsIn([description], names))))
    refuse(severalCommits(names.to));
  return { to, which: (version: PublishedVersion) => identify(version, names) };
}
