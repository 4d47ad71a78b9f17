import { describe, expect, test } from 'vitest';
import { messageProblems, modalProblems, suggestionProblems } from './block-kit.ts';

/** Each limit in Slack's reference, at the limit and one above. */

const letters = (count: number): string => 'x'.repeat(count);
const plain = (count: number) => ({ type: 'plain_text', text: letters(count) });
const many = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index));

const option = (value: string) => ({ text: plain(1), value });
const button = (more: object = {}) => ({ type: 'button', text: plain(1), ...more });
const confirm = (more: object = {}) => ({
  title: plain(1),
  text: plain(1),
  confirm: plain(1),
  deny: plain(1),
  ...more,
});

const message = (...blocks: object[]): string[] => messageProblems({ text: 'x', blocks });
const inActions = (...elements: object[]): string[] => message({ type: 'actions', elements });
const modal = (more: object): string[] =>
  modalProblems({ type: 'modal', title: plain(1), submit: plain(1), blocks: [], ...more });
const inModal = (element: object, more: object = {}): string[] =>
  modal({ blocks: [{ type: 'input', label: plain(1), element, ...more }] });

const LIMITS: [what: string, max: number, of: (count: number) => string[]][] = [
  ['text of a header', 150, (n) => message({ type: 'header', text: plain(n) })],
  ['text of a section', 3000, (n) => message({ type: 'section', text: { type: 'mrkdwn', text: letters(n) } })],
  ['fields', 10, (n) => message({ type: 'section', fields: many(n, () => plain(1)) })],
  ['text of a field', 2000, (n) => message({ type: 'section', fields: [plain(n)] })],
  ['elements of a context', 10, (n) => message({ type: 'context', elements: many(n, () => plain(1)) })],
  ['buttons', 25, (n) => inActions(...many(n, (index) => button({ action_id: `a${index}` })))],
  ['text of a button', 75, (n) => inActions(button({ text: plain(n) }))],
  ['value of a button', 2000, (n) => inActions(button({ value: letters(n) }))],
  ['action_id', 255, (n) => inActions(button({ action_id: letters(n) }))],
  ['URL of a button', 3000, (n) => inActions(button({ url: 'https://a.test/'.padEnd(n, 'x') }))],
  ['block_id', 255, (n) => message({ type: 'divider', block_id: letters(n) })],
  ['title of a confirmation', 100, (n) => inActions(button({ confirm: confirm({ title: plain(n) }) }))],
  ['text of a confirmation', 300, (n) => inActions(button({ confirm: confirm({ text: plain(n) }) }))],
  ['yes', 30, (n) => inActions(button({ confirm: confirm({ confirm: plain(n) }) }))],
  ['no', 30, (n) => inActions(button({ confirm: confirm({ deny: plain(n) }) }))],
  ['blocks of a message', 50, (n) => message(...many(n, () => ({ type: 'divider' })))],
  ['fallback', 4000, (n) => messageProblems({ text: letters(n), blocks: [{ type: 'divider' }] })],
  ['blocks of a modal', 100, (n) => modal({ blocks: many(n, () => ({ type: 'divider' })) })],
  ['title of a modal', 24, (n) => modal({ title: plain(n) })],
  ['submit button of a modal', 24, (n) => modal({ submit: plain(n) })],
  ['close button of a modal', 24, (n) => modal({ close: plain(n) })],
  ['private_metadata', 3000, (n) => modal({ private_metadata: letters(n) })],
  ['callback_id', 255, (n) => modal({ callback_id: letters(n) })],
  ['label', 2000, (n) => inModal({ type: 'plain_text_input' }, { label: plain(n) })],
  ['hint', 2000, (n) => inModal({ type: 'plain_text_input' }, { hint: plain(n) })],
  ['placeholder', 150, (n) => inModal({ type: 'plain_text_input', placeholder: plain(n) })],
  ['maximum length of an input', 3000, (n) => inModal({ type: 'plain_text_input', max_length: n })],
  [
    'initial text of an input',
    20,
    (n) => inModal({ type: 'plain_text_input', max_length: 20, initial_value: letters(n) }),
  ],
  ['options', 100, (n) => inModal({ type: 'static_select', options: many(n, (index) => option(`${index}`)) })],
  ['text of an option', 75, (n) => suggestionProblems({ options: [{ text: plain(n), value: 'x' }] })],
  ['value of an option', 150, (n) => suggestionProblems({ options: [option(letters(n))] })],
  ['suggestions', 100, (n) => suggestionProblems({ options: many(n, (index) => option(`${index}`)) })],
  ['all texts of a message', 11_000, (n) => message(...many(10, () => ({ type: 'section', text: plain(n / 10) })))],
];

test.each(LIMITS)('%s: at most %i', (_what, max, of) => {
  expect(of(max)).toEqual([]);
  expect(of(max === 11_000 ? max + 10 : max + 1)).not.toEqual([]);
});

describe('invalid blocks', () => {
  test.each<[string, string[]]>([
    ['nothing', message()],
    ['an empty text', message({ type: 'header', text: plain(0) })],
    ['blanks', message({ type: 'section', text: { type: 'mrkdwn', text: ' \n' } })],
    ['half a surrogate pair', message({ type: 'section', text: { type: 'mrkdwn', text: 'a\ud83d' } })],
    ['formatting in a header', message({ type: 'header', text: { type: 'mrkdwn', text: 'x' } })],
    ['formatting on a button', inActions(button({ text: { type: 'mrkdwn', text: 'x' } }))],
    ['no buttons', inActions()],
    ['two buttons with the same action_id', inActions(button({ action_id: 'a' }), button({ action_id: 'a' }))],
    ['an unknown style', inActions(button({ style: 'default' }))],
    [
      'two blocks with the same block_id',
      message({ type: 'divider', block_id: 'a' }, { type: 'divider', block_id: 'a' }),
    ],
    ['a section without content', message({ type: 'section' })],
    ['an unknown field', message({ type: 'divider', colour: 'red' })],
    ['an unknown block type', message({ type: 'paragraph', text: plain(1) })],
    ['no fallback text', messageProblems({ blocks: [{ type: 'divider' }] })],
    ['a fallback text with too many bytes', messageProblems({ text: 'ü'.repeat(2001), blocks: [{ type: 'divider' }] })],
    ['a menu without options', inModal({ type: 'static_select', options: [] })],
    ['two options with the same value', inModal({ type: 'static_select', options: [option('a'), option('a')] })],
    [
      'an unknown initial option',
      inModal({ type: 'static_select', options: [option('a')], initial_option: option('b') }),
    ],
    ['an invalid user ID', inModal({ type: 'users_select', initial_user: 'ada' })],
    [
      'inputs without a submit button',
      modal({ submit: undefined, blocks: [{ type: 'input', label: plain(1), element: { type: 'plain_text_input' } }] }),
    ],
  ])('%s', (_what, problems) => {
    expect(problems).not.toEqual([]);
  });
});
