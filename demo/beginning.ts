import type { Story } from './stories/story.ts';
import { type Paper, Teller } from './teller.ts';

/** Says what is about to be seen, and what of it is real. */
export function tellBeginning(paper: Paper, { title, about }: Story): void {
  const teller = new Teller(paper, false);
  teller.write(`\nFirebreak: ${title}`, 'bold');
  teller.write(`${about}\n`);
  teller.write(
    [
      'Firebreak runs here as npm start starts it. PagerDuty, Slack, Statuspage, Grafana, Prometheus and',
      'the CD system are stand-ins that it calls over HTTP; what you read is what was called and written.',
      'Waiting is sped up: a minute takes a second. Times are real, and count from the first alert.',
    ].join('\n'),
    'dim',
  );
}
