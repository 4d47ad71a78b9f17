import { type About, FIELDS, FORMS, TITLE_MAX_CHARS } from '../../domain/slack/forms.ts';
import type { Catalogue, ModalView } from '../../domain/slack/ports.ts';
import { fitMenu, modal, searchSelect, select, severitySelect, textInput } from './blocks.ts';

/**
 * Returns the modal that declares an incident. Without the catalogue, it has text fields instead of menus.
 *
 * @param catalogue null: it could not be read
 */
export function declareModal(about: About, title: string | null, catalogue: Catalogue | null): ModalView {
  const environments = [...new Set(Object.values(catalogue?.services ?? {}).flatMap((entry) => entry.environments))];
  return modal({
    callback: FORMS.declare,
    title: 'Declare an incident',
    submit: 'Declare',
    about,
    blocks: [
      textInput({ field: FIELDS.title, label: 'What is wrong?', initial: title, max: TITLE_MAX_CHARS }),
      catalogue !== null && Object.keys(catalogue.services).length > 0
        ? searchSelect(serviceField)
        : textInput({ ...serviceField, max: NAME_MAX }),
      environmentInput(environments),
      severitySelect(FIELDS.severity, 'critical'),
    ],
  });
}

const NAME_MAX = 256;

/** Optional, because the service may still be unknown. */
const serviceField = {
  field: FIELDS.service,
  label: 'Service',
  hint: 'Leave empty if unknown',
  optional: true,
};

const environmentField = { field: FIELDS.environment, label: 'Environment', optional: true };

const environmentInput = (environments: readonly string[]) =>
  fitMenu(environments)
    ? select({
        ...environmentField,
        options: environments.toSorted().map((value) => ({ value })),
        initial: environments.includes('production') ? 'production' : null,
      })
    : textInput({ ...environmentField, max: NAME_MAX, placeholder: 'production' });
