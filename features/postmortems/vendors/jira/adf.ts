import type { IssueFacts } from '../../decisions/issues.ts';

/** A node of the Atlassian Document Format. @see https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/ */
export type AdfNode = { type: string; text?: string; content?: AdfNode[]; marks?: object[]; version?: number };

const paragraph = (...content: AdfNode[]): AdfNode => ({ type: 'paragraph', content });
const textNode = (text: string): AdfNode => ({ type: 'text', text });
const listItem = (...content: AdfNode[]): AdfNode => ({ type: 'listItem', content: [paragraph(...content)] });
const linkNode = (href: string): AdfNode => ({ type: 'text', text: href, marks: [{ type: 'link', attrs: { href } }] });

/** Returns the description of the issue of an action item. Text in nodes can neither mention anyone nor format. */
export const descriptionOf = ({ rows, link }: IssueFacts): AdfNode => ({
  type: 'doc',
  version: 1,
  content: [
    paragraph(textNode('An action item of a post-mortem in Firebreak.')),
    {
      type: 'bulletList',
      content: [
        ...rows.map(([name, value]) => listItem(textNode(`${name}: ${value}`))),
        ...(link === null ? [] : [listItem(textNode('Post-mortem: '), linkNode(link))]),
      ],
    },
    paragraph(
      textNode(
        'Closing or reopening this issue, or changing its summary, changes the action item too. Owner, date, and priority are changed in the post-mortem.',
      ),
    ),
  ],
});

/** Returns the text of a document, a line for each paragraph. */
export function textOf(node: unknown): string {
  if (typeof node !== 'object' || node === null) return '';
  const { type, text, content } = node as Partial<AdfNode>;
  if (type === 'text') return text ?? '';
  const parts = (Array.isArray(content) ? content : []).map(textOf);
  return parts.join(type === 'paragraph' || type === 'heading' ? '' : '\n');
}
