import type { Story } from './stage.ts';
import { type Paper, Teller } from './teller.ts';

/** Prints the introduction: what the story shows, and which parts of it are real. */
export function tellBeginning(paper: Paper, { title, about }: Story): void {
  const teller = new Teller(paper, false);
  teller.write(`\nFirebreak: ${title}`, 'bold');
  teller.write(`${about}\n`);
  teller.write(
    [
      'This is Firebreak as npm start runs it. PagerDuty, Slack, Statuspage, Grafana, Prometheus, and the',
      'CD system are stand-ins that it calls over HTTP. Each line is a real call or timeline entry. Waits',
      'are shortened: a minute takes a second. Times are real and count from the first alert.',
    ].join('\n'),
    'dim',
  );
}
