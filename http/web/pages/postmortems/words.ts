import type { PostmortemView } from '../../../../schemas/postmortems/postmortem.ts';

const WORDS: Record<PostmortemView['state'], string> = {
  none: 'not started',
  draft: 'draft',
  in_review: 'in review',
  published: 'published',
  skipped: 'not needed',
};

export const stateWords = (state: PostmortemView['state']): string => WORDS[state];
