/**
 * Returns a function that computes a result once for each object, such as what is looked up in a configuration, which can have
 * thousands of entries, or the cache of a store. The result is kept as long as the object.
 */
export function onceFor<K extends object, T>(compute: (object: K) => T): (object: K) => T {
  const results = new WeakMap<K, T>();
  return (object) => {
    const result = results.get(object) ?? compute(object);
    results.set(object, result);
    return result;
  };
}
