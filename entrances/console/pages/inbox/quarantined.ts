import { html } from 'hono/html';
import { isReplayable, readQuarantined } from '../../../http/webhooks/replay.ts';
import { EVERYWHERE } from '../../../../core/domain/access/access.ts';
import { answerText } from '../../../../core/domain/alerts/quarantine.ts';
import type { Quarantined } from '../../../../core/domain/ports/alerts.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../http/context.ts';
import { ago, clockTime, type Html, line, panel } from '../../parts.ts';
import { replayForm, sizeText } from './inbox.ts';
import { REPLAY } from './actions.ts';
import type { ConsolePage } from '../page.ts';
import { truncated } from '../../../../schemas/parsing/text.ts';

const INBOX_PATH = '/console/inbox';

/** Characters of a body that the page shows. */
const BODY_SHOWN_CHARS = 20_000;

export type QuarantinedInput = Pick<Viewer, 'csrfToken'> & {
  at: Timestamp;
  entry: Quarantined & { receiver: string; body: Uint8Array };
  mayReplay: boolean;
};

/** An input in quarantine, with its body. */
export const quarantinedPage: ConsolePage = {
  path: `${INBOX_PATH}/:id`,
  label: null,
  within: INBOX_PATH,
  action: 'quarantine:read',
  everySeconds: 60,
  actions: { replay: REPLAY },
  async show(deps, { viewer, param }) {
    const entry = await readQuarantined(deps, viewer.caller, param['id'] ?? '');
    const mayReplay = viewer.may('quarantine:replay', EVERYWHERE);
    const main = quarantinedMain({ at: deps.clock.now(), csrfToken: viewer.csrfToken, entry, mayReplay });
    return { title: `Quarantine: ${entry.source}`, main };
  },
};

export const quarantinedMain = (data: QuarantinedInput): Html => html`
  <h1 class="page-title">Input in quarantine</h1>
  <div class="stack">${factsPanel(data)} ${bodyPanel(data)}</div>
`;

function factsPanel({ entry, at, mayReplay, csrfToken }: QuarantinedInput): Html {
  const { id, source, receiver, detail, content_type: type, bytes, count } = entry;
  const last = ago(entry.last_seen_at, at);
  const received = count === 1 ? last : html`${count} times, first ${clockTime(entry.first_seen_at, at)}, last ${last}`;
  return panel(
    'input',
    source,
    null,
    html`<p class="wrapped">${detail}</p>
      <dl class="lines">
        ${line('Receiver', receiver)} ${line('Sender', answerText(entry))} ${line('Received', received)}
        ${line('Size', html`${sizeText(bytes)}${type === '' ? '' : `, ${type}`}`)}
        ${line('Replayed', entry.replayed_at === null ? 'no' : ago(entry.replayed_at, at))}
        ${line('ID', html`<code>${id}</code>`)}
      </dl>
      ${
        !isReplayable(source)
          ? html`<p class="quiet">Actions in Slack are not replayed. Ask the person to repeat the action.</p>`
          : mayReplay
            ? html`<p class="hint">Replay parses the input again with the running version, as if it arrived now.</p>
                ${replayForm(`${INBOX_PATH}/${encodeURIComponent(id)}`, id, csrfToken)}`
            : ''
      }
      <p class="more"><a href="${INBOX_PATH}">Back to the inbox</a></p>`,
  );
}

function bodyPanel({ entry: { body } }: QuarantinedInput): Html {
  // A character has at most four bytes in UTF-8.
  const text = new TextDecoder().decode(body.subarray(0, 4 * BODY_SHOWN_CHARS));
  const whole = indented(text, body.byteLength);
  return panel(
    'body',
    'Body',
    null,
    html`<pre class="code">${truncated(whole, BODY_SHOWN_CHARS)}</pre>
      ${
        whole.length <= BODY_SHOWN_CHARS
          ? ''
          : html`<p class="quiet">
              Truncated. <code>firebreak quarantine show --json</code> prints the whole body in base64.
            </p>`
      }`,
  );
}

/** Returns JSON with line breaks, and other text unchanged. */
function indented(text: string, bytes: number): string {
  if (bytes > BODY_SHOWN_CHARS) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}
