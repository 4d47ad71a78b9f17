import type { ShadowReport, ShadowRow, ShadowTally } from '../../../schemas/automation/shadow-report.ts';
import type { ChatMessage, ChatPart, Text } from '../messages/chat-message.ts';

/** The weekly report of shadow mode, as a message. */

/** Maximum number of services shown with tallies; the others are counted. */
const ROWS_SHOWN_MAX = 15;

/** Returns the report as one message for Slack or email. */
export function shadowDigest({ since, until, complete, incidents, items }: ShadowReport): ChatMessage {
  const count = `${incidents} ${incidents === 1 ? 'incident' : 'incidents'}`;
  const ready = items.filter(({ promotion }) => promotion?.ready === true).length;
  const period: Text = [`${count} since `, { at: since }, ', until ', { at: until }, '.'];
  const shown = items.slice(0, ROWS_SHOWN_MAX);
  const more = items.length - shown.length;
  return {
    summary: `Shadow mode: ${count}, ${ready} ${ready === 1 ? 'service is' : 'services are'} ready for promotion`,
    parts: [
      { kind: 'header', text: 'What automation would have done in shadow mode' },
      { kind: 'text', text: complete ? period : [...period, ' There were too many older incidents to include.'] },
      ...(items.length === 0
        ? [{ kind: 'text' as const, text: ['No incident involved a service in shadow mode.'] }]
        : shown.map(rowPart)),
      ...(more > 0
        ? [{ kind: 'text' as const, text: [`And ${more} more ${more === 1 ? 'service' : 'services'}.`] }]
        : []),
      { kind: 'note', text: ['For each case, run ', { code: 'firebreak report shadow --since 30d' }] },
    ],
  };
}

function rowPart({ service, environment, rollbacks, questions, nothing, promotion }: ShadowRow): ChatPart {
  const lines: Text = [
    { bold: `${service} in ${environment}` },
    `\nWould have rolled back: ${tallyText(rollbacks)}`,
    `\nWould have asked for approval: ${tallyText(questions)}`,
    `\nWould have done nothing: ${tallyText(nothing)}`,
  ];
  if (promotion === null) return { kind: 'text', text: lines };
  if (!promotion.ready) return { kind: 'text', text: [...lines, `\nNot ready for promotion: ${promotion.because}`] };
  const steps = promotion.steps.flatMap((step): Text => ['\n', { code: step }]);
  return { kind: 'text', text: [...lines, `\nReady for mode ${promotion.to} (${promotion.because}):`, ...steps] };
}

const tallyText = ({ count, right, wrong, undecided }: ShadowTally): string =>
  count === 0 ? '0' : `${count} (${right} right, ${wrong} wrong, ${undecided} undecided)`;
