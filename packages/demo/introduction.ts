import type { Story } from './stage.ts';
import { type Output, Narrator } from './narrator.ts';

/** Prints the introduction: what the story shows, and which parts of it are real. */
export function printIntroduction(output: Output, { title, about }: Story): void {
  const narrator = new Narrator(output, false);
  narrator.write(`\nFirebreak: ${title}`, 'bold');
  narrator.write(`${about}\n`);
  narrator.write(
    [
      'This is Firebreak as npm start runs it. PagerDuty, Slack, Statuspage, Grafana, Prometheus, and the',
      'CD system are stand-ins that it calls over HTTP. Each line is a real call or timeline entry. Waits',
      'are shortened: a minute takes a second. Times are real and count from the first alert.',
    ].join('\n'),
    'dim',
  );
}
