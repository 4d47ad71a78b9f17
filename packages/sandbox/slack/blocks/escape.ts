import { idOf } from '../channels.ts';
import { GROUPS, PEOPLE } from '../directory.ts';
import type { Workspace } from '../workspace.ts';

/** A mention or link that is already escaped, or a URL. */
const LINK_OR_MENTION =
  /(<[@#!][^<>\s]+>|<(?:https?:\/\/|mailto:)[^<>\s|]+(?:\|[^<>]*)?>|https?:\/\/[^\s<>]*[^\s<>.,;:!?)'"])/;

/** Returns the escaped form. In messages, Slack turns URLs into links and escapes their text. */
function link(written: string, target: 'command' | 'message'): string {
  if (/^<[@#!]/.test(written)) return written;
  const address = written.replaceAll('&', '&amp;');
  return address.startsWith('<') || target === 'command' ? address : `<${address}>`;
}

/**
 * Returns typed text as Slack sends it to an app: `@name` and `#channel` become references, and the three control
 * characters are escaped. References in commands include the names; references in messages don't.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text (read 2026-11), "Escaping text"
 * @see https://docs.slack.dev/interactivity/implementing-slash-commands (read 2026-11), "Escaping"
 */
export function escapeTyped(text: string, { channels }: Workspace, target: 'command' | 'message'): string {
  const label = (name: string): string => (target === 'command' ? `|${name}` : '');
  return text
    .split(LINK_OR_MENTION)
    .map((piece, i) => {
      if (i % 2 === 1) return link(piece, target);
      return piece
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll(/(?<![\w/])@([a-z][a-z-]*)/g, (written, name: string) => {
          const person = PEOPLE.find((one) => one.name === name);
          const group = GROUPS.find((one) => one.handle === name);
          if (person) return `<@${person.id}${label(name)}>`;
          return group ? `<!subteam^${group.id}|@${name}>` : written;
        })
        .replaceAll(/(?<![\w/&])#([\p{Ll}\p{N}_-]+)/gu, (written, name: string) => {
          const channel = channels.byName(name);
          return channel ? `<#${idOf(channel)}|${name}>` : written;
        });
    })
    .join('');
}
