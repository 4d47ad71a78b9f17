/** A field of a form that is refused, and why. */
export type FieldProblem = { field: string; text: string };

/** A form that was refused: where it was sent, its fields, and why it was refused. */
export type RefusedForm = {
  /** Paths of the action: a page can have several addresses. */
  paths: readonly string[];
  sent: URLSearchParams;
  problems: readonly FieldProblem[];
  /** Why it was refused, if no field of the form is the reason. */
  text: string;
};

/** A field with a problem, as the page shows it. */
export type MarkedField = { id: string; label: string; text: string };

/** A control with its value. A value contains no `>`, because templates escape it. */
const CONTROL = /<input\b[^>]*>|<textarea\b[^>]*>[\s\S]*?<\/textarea\s*>|<select\b[^>]*>[\s\S]*?<\/select\s*>/g;

/**
 * Shows a refused form in its page as it was sent: with its values, opened, each problem beside its field, and the focus on
 * the first of these. Markup without the form stays as it is.
 */
export function withRefusedForm(markup: string, refused: RefusedForm): { markup: string; marked: MarkedField[] } {
  const form = formIn(markup, refused);
  if (form === undefined) return { markup, marked: [] };
  const { sent } = refused;
  const problems = new Map(refused.problems.map(({ field, text }) => [field, text]));
  const marked: MarkedField[] = [];
  const fields = form.text.replaceAll(CONTROL, (control) => {
    const [tag = ''] = /^<[^>]*>/.exec(control) ?? [];
    const name = attribute(tag, 'name');
    const id = attribute(tag, 'id');
    if (name === undefined || attribute(tag, 'type') === 'hidden') return control;
    const filled = withValue(control, tag, sent.getAll(name).map(escaped));
    const text = problems.get(name);
    if (text === undefined || id === undefined || marked.some((one) => one.id === id)) return filled;
    marked.push({ id, label: labelOf(form.text, id), text });
    return `${withProblem(filled, id, marked.length === 1)}<p class="field-problem" id="${id}-problem">${escaped(text)}</p>`;
  });
  const reason = marked.length > 0 ? '' : `<p class="field-problem">${escaped(refused.text)}</p>`;
  // An element that is hidden can't have the focus.
  const opened = marked.reduce((text, { id }) => {
    const at = text.indexOf(` id="${id}-problem"`);
    return `${withDetailsOpen(text.slice(0, at))}${text.slice(at)}`;
  }, fields);
  const shown = opened.replace(/^<form\b[^>]*>/, (tag) => `<form data-refused${tag.slice('<form'.length)}${reason}`);
  const before = withDetailsOpen(markup.slice(0, form.at));
  return { markup: `${before}${shown}${markup.slice(form.at + form.text.length)}`, marked };
}

/** Finds the form of an action. A page can have several, such as one for each row, which differ in their hidden fields. */
function formIn(markup: string, { paths, sent }: RefusedForm): { at: number; text: string } | undefined {
  for (const { 0: text, 1: action, index: at } of markup.matchAll(
    /<form\b[^>]*\baction="([^"]*)"[^>]*>[\s\S]*?<\/form>/g,
  )) {
    if (!paths.some((path) => action === escaped(path))) continue;
    const isSame = [...text.matchAll(CONTROL)].every(([tag]) => {
      const name = attribute(tag, 'name');
      if (attribute(tag, 'type') !== 'hidden' || name === undefined || name === 'form_key') return true;
      return sent
        .getAll(name)
        .map(escaped)
        .includes(attribute(tag, 'value') ?? '');
    });
    if (isSame) return { at, text };
  }
  return undefined;
}

const attribute = (tag: string, name: string): string | undefined => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];

/** @param values of the field, escaped */
function withValue(control: string, tag: string, values: readonly string[]): string {
  const [value = ''] = values;
  const type = attribute(tag, 'type');
  if (tag.startsWith('<textarea')) return `${tag}\n${value}</textarea>`;
  if (tag.startsWith('<select'))
    return control.replaceAll(/<option\b[^>]*>/g, (option) => {
      const isSelected = values.includes(attribute(option, 'value') ?? '');
      const unselected = option.replace(/\sselected(="")?(?=[\s>])/, '');
      return isSelected ? `<option selected${unselected.slice('<option'.length)}` : unselected;
    });
  if (type === 'checkbox' || type === 'radio') {
    const isChecked = values.includes(attribute(tag, 'value') ?? 'on');
    const unchecked = tag.replace(/\schecked(="")?(?=[\s>])/, '');
    return isChecked ? `<input checked${unchecked.slice('<input'.length)}` : unchecked;
  }
  const isEmpty = attribute(tag, 'value') === undefined;
  const valued = `value="${value}"`;
  return isEmpty ? tag.replace(/\/?>$/, () => ` ${valued} />`) : tag.replace(/(?<=\s)value="[^"]*"/, () => valued);
}

/** Marks a control as refused, for screen readers too. */
function withProblem(control: string, id: string, isFirst: boolean): string {
  const described = attribute(/^<[^>]*>/.exec(control)?.[0] ?? '', 'aria-describedby');
  const ids = described === undefined ? `${id}-problem` : `${id}-problem ${described}`;
  return control
    .replace(/^(<[^>]*?)\saria-describedby="[^"]*"/, '$1')
    .replace(
      /^<\w+/,
      (start) => `${start} aria-invalid="true" aria-describedby="${ids}"${isFirst ? ' autofocus' : ''}`,
    );
}

/** Returns the text of the label of a control. */
const labelOf = (form: string, id: string): string =>
  unescaped(
    (form.match(new RegExp(`<label for="${id.replaceAll(/[^\w-]/g, '.')}"[^>]*>([\\s\\S]*?)</label>`))?.[1] ?? id)
      .replaceAll(/<[^<>]*>/g, '')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );

/** Opens the details in which the markup ends. */
function withDetailsOpen(markup: string): string {
  const around: { index: number; tag: string }[] = [];
  for (const { 0: tag, index } of markup.matchAll(/<\/?details\b[^>]*>/g)) {
    if (tag.startsWith('</')) around.pop();
    else around.push({ index, tag });
  }
  let opened = markup;
  for (const { index, tag } of around.toReversed())
    if (!/\sopen[\s>=]/.test(tag))
      opened = `${opened.slice(0, index)}<details open${opened.slice(index + '<details'.length)}`;
  return opened;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);

const unescaped = (text: string): string =>
  text.replaceAll(
    /&(?:amp|lt|gt|quot|#39);/g,
    (entity) => Object.entries(ESCAPES).find(([, one]) => one === entity)?.[0] ?? entity,
  );
