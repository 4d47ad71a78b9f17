/** Variables that a CI system did not replace, and the words of programs for one without a value. `$LATEST` is a version of Lambda. */
const UNSET =
  /^v?(?:undefined|null|None|nil|<nil>|<no value>|\[object Object\])$|\$(?!LATEST$)[A-Za-z_{(]|\{\{|^%\w+%$|^<%.*%>$/;

/** Returns whether a name is a variable without a value, such as `${VERSION}`, `$VERSION`, `{{ .Tag }}`, and `undefined`. */
export const isUnset = (name: string): boolean => UNSET.test(name.trim());

/** Says that a name is a variable without a value. */
export const unsetText = (name: string): string =>
  `${JSON.stringify(name.slice(0, 64))} is a variable without a value; set it in the CI system`;
