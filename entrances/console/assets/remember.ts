/** The part of the script that remembers, in this browser, which details a person keeps open on all pages. */
export const REMEMBER = `
for (const details of document.querySelectorAll('details[data-remember]'))
  details.open = stored('open.' + details.dataset.remember) === 'yes';
document.addEventListener('toggle', ({ target }) => {
  const { remember } = target.dataset ?? {};
  if (remember) store('open.' + remember, target.open ? 'yes' : 'no');
}, true);
`;

/** The part of the script that brings the current section into view: on a phone, the navigation scrolls sideways. */
export const NAVIGATION = `
for (const current of document.querySelectorAll('.top nav [aria-current]'))
  current.scrollIntoView({ block: 'nearest', inline: 'nearest' });
`;

/**
 * The part of the script that says on a button what its form will do, such as "Freeze checkout production until 11:00 UTC".
 * `data-says` names the fields; of `{a|b}`, the first that is filled in counts. Without the first field, the button stays as it
 * is.
 */
export const SAY = `
const wordsOf = (field) => {
  const option = field?.selectedOptions?.[0];
  if (!option) return field?.value ? field.dataset.word + ' ' + field.value.replace('T', ' ') + ' UTC' : '';
  if (!option.dataset.hours) return option.value === '' ? '' : option.dataset.words ?? option.text;
  const now = new Date();
  const end = new Date(now.getTime() + option.dataset.hours * 3600000).toISOString();
  return 'until ' + (end.slice(0, 10) === now.toISOString().slice(0, 10) ? '' : end.slice(5, 10) + ' ') + end.slice(11, 16) + ' UTC';
};
const say = (form) => {
  for (const button of form?.querySelectorAll('button[data-says]') ?? []) {
    button.dataset.plain ??= button.textContent;
    const words = button.dataset.says.split(/[{}]/).map((part, n) =>
      n % 2 === 0 ? part : part.split('|').map((name) => wordsOf(form.elements[name])).find((text) => text) ?? '');
    button.textContent = words[1] === '' ? button.dataset.plain : words.join('').replace(/ +/g, ' ').trim();
  }
};
document.addEventListener('input', ({ target }) => say(target.form));
`;
