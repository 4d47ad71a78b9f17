import { withPorts } from '../ports.ts';
import { html } from 'hono/html';
import * as z from 'zod';
import { lintPostmortem, savePostmortem } from '../actions/postmortem.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { partsOf } from '../decisions/markdown.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { MARKDOWN_MAX_CHARS, type PostmortemState } from '../schemas/postmortem.ts';
import { markdown } from '../../../entrances/console/markdown.ts';
import type { Html } from '../../../entrances/console/parts.ts';
import { field, type PageAction, type Sent } from '../../../entrances/console/pages/page.ts';

/** A text that a person edits, with the revision on which it is based. */
type Edited = { key: string; text: string; revision: number };

/** The form for a text. A browser leaves out the line break at the beginning of the field. */
export const editorFields = (id: IncidentId, csrfToken: string, { key, text, revision }: Edited): Html =>
  html`<form method="post" action="${postmortemPath(id)}/actions/save" class="editor">
    <input type="hidden" name="form_key" value="${csrfToken}" />
    <input type="hidden" name="revision" value="${revision}" />
    <label for="markdown-${key}">Markdown</label>
    <textarea
      id="markdown-${key}"
      name="markdown"
      rows="28"
      maxlength="${MARKDOWN_MAX_CHARS}"
      required
      spellcheck="true"
    >
${text}</textarea>
    <div class="buttons">
      <button class="primary" id="do-save-${key}">Save</button>
      <button id="do-preview-${key}" formaction="${postmortemPath(id)}/actions/preview">Preview</button>
    </div>
  </form>`;

const Revision = z.coerce.number().int().min(0);

/** Reads the form. Browsers send each line break as CR and LF. */
const editedIn = (form: URLSearchParams): Edited => ({
  key: 'again',
  text: (form.get('markdown') ?? '').replaceAll('\r\n', '\n'),
  revision: field(form, 'revision', Revision),
});

/** @throws Refusal 404 */
export function incidentIdIn(param: Sent['param']): IncidentId {
  const { data: id } = IncidentId.safeParse(param['id']);
  if (id === undefined) throw new Refusal(404, 'unknown-incident', 'there is no such incident');
  return id;
}

/** The states that an undo restores. A published text has left Firebreak, and is published again only on purpose. */
const RESTORED_STATES: readonly PostmortemState[] = ['draft', 'in_review', 'skipped'];

/** Returns the action that changes the state of a post-mortem. */
const changeState = (state: PostmortemState, done: string): PageAction => ({
  permission: 'incidents:write',
  done,
  undoneBy: Object.fromEntries(RESTORED_STATES.map((before) => [before, ['revision']])),
  run: async (core, { caller, param, form }) => {
    const deps = withPorts(core);
    const id = incidentIdIn(param);
    const before = (await deps.postmortems.read(id))?.record.state;
    const { revision } = await savePostmortem(deps, caller, id, { state, revision: field(form, 'revision', Revision) });
    if (before === undefined || before === state || !RESTORED_STATES.includes(before)) return undefined;
    return { undo: { action: before, fields: { revision: String(revision) } } };
  },
});

export const postmortemActions = {
  save: {
    permission: 'incidents:write',
    done: 'Saved.',
    run: async (deps, { caller, param, form, viewer: { csrfToken } }) => {
      const id = incidentIdIn(param);
      const { text, revision } = editedIn(form);
      try {
        await savePostmortem(withPorts(deps), caller, id, { markdown: text, revision });
        return undefined;
      } catch (error) {
        if (!(error instanceof Refusal) || (error.status !== 409 && error.status !== 422)) throw error;
        // The text must not be lost with the page.
        return html`<p role="alert"><strong>Not saved:</strong> ${error.detail}.</p>
          ${editorFields(id, csrfToken, { key: 'again', text, revision })}`;
      }
    },
  },
  preview: {
    permission: 'incidents:write',
    done: 'Preview, not saved.',
    shownBy: 'save',
    run: async (deps, { caller, param, form, viewer: { csrfToken } }) => {
      const id = incidentIdIn(param);
      const edited = editedIn(form);
      const findings = await lintPostmortem(withPorts(deps), caller, { id, markdown: edited.text });
      const { title } = partsOf(edited.text);
      return html`<p><strong>Preview, not saved.</strong> The page below shows the saved text.</p>
        <div class="panel text">
          <h2>${title}</h2>
          ${markdown(edited.text, title)}
        </div>
        ${
          findings.length === 0
            ? ''
            : html`<ul>
                ${findings.slice(0, 30).map(({ line, text }) => html`<li>Line ${line}: ${text}</li>`)}
              </ul>`
        }
        ${editorFields(id, csrfToken, edited)}`;
    },
  },
  draft: changeState('draft', 'The post-mortem is a draft.'),
  in_review: changeState('in_review', 'The post-mortem is in review.'),
  published: changeState('published', 'The post-mortem is published.'),
  skipped: changeState('skipped', 'The post-mortem is marked as not needed.'),
} as const satisfies Record<string, PageAction>;
