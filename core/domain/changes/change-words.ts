import type { Change } from '../../../schemas/changes/change.ts';

export const KIND_WORDS: Readonly<Record<Change['kind'], string>> = {
  deploy: 'Deploy',
  rollback: 'Rollback',
  hotfix: 'Hotfix',
  flag: 'Flag',
  config: 'Configuration change',
  migration: 'Migration',
  infrastructure: 'Infrastructure change',
  experiment: 'Experiment',
};

export const ofServiceText = (change: Pick<Change, 'service'>, service: string): string =>
  change.service === service ? '' : ` of ${change.service}`;

/** Names a change within a sentence about a service. @example 'deploy v3 of cart' */
export const changeName = (change: Pick<Change, 'kind' | 'version' | 'service'>, service: string): string =>
  `${KIND_WORDS[change.kind].toLowerCase()} ${change.version}${ofServiceText(change, service)}`;

/** Names a suspect: its version, after the service if that is not the one of the incident. */
export const suspectName = ({ service, version }: { service?: string | undefined; version: string }): string =>
  service === undefined ? version : `${service} ${version}`;

/** Names the version of a change after its kind: a rollback is `to v41`, a deploy is `of v42`. */
export const ofVersion = ({ kind, version }: Pick<Change, 'kind'> & { version: string }): string =>
  `${kind === 'rollback' ? 'to' : 'of'} ${version}`;
