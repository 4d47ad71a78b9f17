/** A section of CHANGELOG.md: its heading without `## `, and the lines below it. */
type Section = { heading: string; body: string };

const UNRELEASED = '[Unreleased]';

/** Matches the start of an entry: its tag, and its area. */
const ENTRY = /^- \[(?:CHANGE|FEATURE|ENHANCEMENT|BUGFIX|SECURITY)\] [\w,. -]+: ./;

const sectionsOf = (changelog: string): Section[] =>
  changelog
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      const [heading = '', ...body] = text.split('\n');
      return { heading, body: body.join('\n').trim() };
    });

/** Returns the section of a version, or undefined if the changelog has none. */
export const sectionOf = (changelog: string, version: string): string | undefined =>
  sectionsOf(changelog).find(({ heading }) => heading.startsWith(`[${version}] - `))?.body;

/**
 * Moves the entries of "Unreleased" to a section of `version`.
 *
 * @param day of the release, `YYYY-MM-DD`
 * @throws Error if there is nothing to release, or an entry has no tag and area
 */
export function releaseChangelog(changelog: string, version: string, day: string): string {
  const body = sectionsOf(changelog).find(({ heading }) => heading === UNRELEASED)?.body ?? '';
  const entries = body.split('\n').filter((line) => line.startsWith('- '));
  if (entries.length === 0) throw new Error(`CHANGELOG.md has no entries in ## ${UNRELEASED}`);
  const wrong = entries.find((line) => !ENTRY.test(line));
  if (wrong !== undefined) throw new Error(`CHANGELOG.md: "${wrong}" needs a tag and an area: - [BUGFIX] cli: …`);
  return changelog.replace(`## ${UNRELEASED}`, () => `## ${UNRELEASED}\n\n## [${version}] - ${day}`);
}

/** Returns the notes of a release in Markdown. @throws Error if the changelog has no section of the version */
export function releaseNotes(changelog: string, version: string): string {
  const body = sectionOf(changelog, version);
  if (body === undefined) throw new Error(`CHANGELOG.md has no section ## [${version}]`);
  const changes = body.split('\n').some((line) => line.startsWith('- [CHANGE]'));
  const upgrade = changes
    ? 'Before you upgrade, read the `[CHANGE]` lines. Then follow `docs/how-to/backup.md#upgrade`.'
    : 'This release needs no change of your configuration. To upgrade, follow `docs/how-to/backup.md#upgrade`.';
  return `Firebreak ${version}\n\n${upgrade}\n\n${body}\n`;
}
