import { ActionItem, type ActionItemPatch, type ActionItemStatus } from '../../../schemas/action-items/action-item.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { linesOf, type TextLine } from './markdown.ts';

/*
 * Action items are the items of the task list in the section "Action items". The text is the only place in which they
 * are stored: who closes one changes its line.
 */

export const ACTION_ITEMS = 'Action items';

/** More are not followed. A transaction replaces all items of a post-mortem, and has at most 100 writes. */
export const ACTION_ITEMS_MAX = 45;

const TASK_LINE = /^(\s*[-*+] )\[([ xX])\] ([^]*?)(\r?)$/;
const DETAIL = String.raw`(?:owner: [^,()]+|due: [^,()]+|P\d)`;
const DETAILS = new RegExp(String.raw`^([^]*) \(((?:${DETAIL}(?:, ${DETAIL})*)?)\)$`);

/** An action item with its line in the text, from 0. */
export type PlacedItem = { item: ActionItem; at: number };

/** Formats an item without its bullet: `[ ] Add a check (owner: payments, due: 2026-12-04, P1)`. */
function taskText({ title, done, owner, due, priority }: ActionItem): string {
  const details = [
    ...(owner === null ? [] : [`owner: ${owner}`]),
    ...(due === null ? [] : [`due: ${due}`]),
    ...(priority === null ? [] : [priority]),
  ].join(', ');
  // Empty details show that the end of this title belongs to it.
  const suffix = details !== '' || withDetails(title).title !== title ? ` (${details})` : '';
  return `[${done ? 'x' : ' '}] ${title}${suffix}`;
}

/** Formats an item as a line of a task list. */
export const itemLine = (item: ActionItem): string => `- ${taskText(item)}`;

/** Returns the action items of a text. */
export const actionItemsOf = (markdown: string): PlacedItem[] =>
  taskLines(linesOf(markdown))
    .flatMap((at) => {
      const item = parseItem(markdown.split('\n')[at] ?? '');
      return item === null ? [] : [{ item, at }];
    })
    .slice(0, ACTION_ITEMS_MAX);

/** Returns the lines in sections of action items, from 0. */
function taskLines(lines: readonly TextLine[]): number[] {
  let isInside = false;
  return lines.flatMap(({ line, inCode }, at) => {
    if (!inCode && line.startsWith('## ')) isInside = isItemHeading(line.slice(3));
    return isInside && !inCode ? [at] : [];
  });
}

export const isItemHeading = (heading: string): boolean => heading.trim().toLowerCase() === ACTION_ITEMS.toLowerCase();

/** Parses a line as an action item. Null: it is none. A detail that is invalid, such as a date, stays in the title. */
export function parseItem(line: string): ActionItem | null {
  const [, , box, text = ''] = TASK_LINE.exec(line) ?? [];
  if (box === undefined) return null;
  const done = box !== ' ';
  const parsed = ActionItem.safeParse({ done, ...withDetails(text.trim()) });
  if (parsed.success) return parsed.data;
  const titleOnly = ActionItem.safeParse({
    title: text
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
      .trim()
      .slice(0, 500)
      .trim(),
    done,
  });
  return titleOnly.success ? titleOnly.data : null;
}

type Details = Partial<Record<'owner' | 'due' | 'priority', string>>;

/** Returns the valid details at the end of a text, and the text without them as the title. */
function withDetails(text: string): { title: string } & Details {
  const [, title, list] = DETAILS.exec(text) ?? [];
  if (title === undefined || list === undefined) return { title: text };
  const details: Details = {};
  const invalid = list.split(', ').filter((part) => {
    const [name, value] = detailIn(part);
    if (part === '' || !ActionItem.shape[name].safeParse(value).success) return part !== '';
    details[name] = value;
    return false;
  });
  if (invalid.length > 0 && Object.keys(details).length === 0) return { title: text };
  return { title: `${title.trim()}${invalid.length > 0 ? ` (${invalid.join(', ')})` : ''}`, ...details };
}

function detailIn(part: string): [keyof Details, string] {
  if (part.startsWith('owner: ')) return ['owner', part.slice(7)];
  return part.startsWith('due: ') ? ['due', part.slice(5)] : ['priority', part];
}

/** Returns the text with an item changed. All other lines stay exactly as they are. */
export function withChangedItem(markdown: string, { at, item }: PlacedItem, patch: ActionItemPatch): string {
  const lines = markdown.split('\n');
  const [, bullet = '- ', , , end = ''] = TASK_LINE.exec(lines[at] ?? '') ?? [];
  const { status, ...details } = patch; // what is undefined stays
  const given = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
  const changed: ActionItem = { ...item, ...given, ...(status !== undefined && { done: status === 'done' }) };
  return lines.toSpliced(at, 1, `${bullet}${taskText(changed)}${end}`).join('\n');
}

/** Returns the text of the section with these items, after its other text. */
export function sectionWith(text: string, items: readonly ActionItem[]): string {
  const others = linesOf(text)
    .filter(({ line, inCode }) => inCode || parseItem(line) === null)
    .map(({ line }) => line)
    .join('\n')
    .trim();
  return [others, items.map(itemLine).join('\n')].filter((part) => part !== '').join('\n\n');
}

/**
 * Returns the ID of each item: the incident, and a hash of the title. Of equal titles, the second has another hash.
 *
 * @param hash returns hexadecimal digits
 */
export function actionItemIds(
  incident: string,
  items: readonly PlacedItem[],
  hash: (text: string) => string,
): string[] {
  const seen = new Map<string, number>();
  return items.map(({ item: { title } }) => {
    const times = seen.get(title) ?? 0;
    seen.set(title, times + 1);
    return `${incident}-${hash(times === 0 ? title : `${title}\n${times}`).slice(0, 8)}`;
  });
}

/** @param today date in UTC, such as `2026-11-22` */
export const statusOf = ({ done, due }: Pick<ActionItem, 'done' | 'due'>, today: string): ActionItemStatus =>
  done ? 'done' : due !== null && due < today ? 'overdue' : 'open';

/** Returns whether an item has this status. Overdue items are open, too. */
export function matchesStatus(
  item: Pick<ActionItem, 'done' | 'due'>,
  status: ActionItemStatus,
  now: Timestamp,
): boolean {
  const current = statusOf(item, now.slice(0, 10));
  return current === status || (status === 'open' && current === 'overdue');
}

/** Returns the items of a new version. Those that did not change keep the time of their last change. */
export const withTimes = <T extends ActionItem & { id: string; updated_at: Timestamp }>(
  items: readonly T[],
  before: readonly T[],
): T[] =>
  items.map((item) => {
    const same = before.find(({ id }) => id === item.id);
    return same !== undefined && itemLine(same) === itemLine(item) ? { ...item, updated_at: same.updated_at } : item;
  });
