import { parser } from '@prometheus-io/lezer-promql';
import { generatedFiles } from '../../../decisions/generate/files.ts';
import { hash } from '../../../../freeze/test/decisions/builders.ts';
import { badOfAll, objective } from './objectives.ts';

/** All files for one objective. */
export const files = generatedFiles([objective('a', badOfAll)], {
  preset: 'multiwindow',
  raw: true,
  url: 'https://firebreak.example',
  tokenFile: '/etc/token',
  hash,
  services: {},
  environments: ['production'],
  lowVelocity: false,
});
/** Returns the names of the series that a query reads. */
export function namesIn(query: string): string[] {
  const names: string[] = [];
  parser.parse(query).iterate({
    enter: ({ node }) => {
      if (node.name === 'Identifier' && node.parent?.name === 'VectorSelector')
        names.push(query.slice(node.from, node.to));
    },
  });
  return names;
}
