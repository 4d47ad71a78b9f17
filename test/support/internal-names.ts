/** Matches names as code writes them, such as `has_migration` or `dependsOn`. The ID of a pin is typed by people. */
const NAME = /(?<![\w./:#@=-])(?!pin_[\da-f]{26})(?:[a-z]+(?:_[a-z\d]+)+|[a-z]+[A-Z][A-Za-z\d]*)(?![\w(:=/])/g;

/** Returns the names of code in a text for people, each once. Settings that a person has to type are written with their path. */
export const internalNamesIn = (text: string): string[] => [...new Set(text.match(NAME))];
