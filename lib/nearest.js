'use strict';

/** Shorter names are one edit from too many others: `env` from `end`. */
const SHORTEST = 5;

/** The name in lower case, without hyphens, underscores and spaces. */
function folded(name) {
  return name.toLowerCase().replace(/[-_ ]/g, '');
}

/** The singular of a folded name. */
function singular(name) {
  return name.replace(/ies$/, 'y').replace(/s$/, '');
}

/**
 * Whether `a` and `b` differ by one edit: a character inserted, deleted or replaced, or
 * two neighbours swapped.
 */
function isOneEdit(a, b) {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const rest = a.slice(start);
  const other = b.slice(start);
  const swapped = (rest[1] ?? '') + (rest[0] ?? '') + rest.slice(2);
  return (
    rest === other.slice(1) ||
    rest.slice(1) === other ||
    rest.slice(1) === other.slice(1) ||
    swapped === other
  );
}

/**
 * Makes a function that returns the first known name of which its argument is a
 * misspelling: by case, hyphens or underscores, singular or plural, or one edit.
 *
 * @param {readonly string[]} known
 * @param {number} [shortest] how long a known name must be, in the singular,
 *   for an edit to count
 * @returns {(name: string) => string | undefined}
 */
function nearestOf(known, shortest = SHORTEST) {
  const forms = known.map((name) => {
    const plain = folded(name);
    return { name, plain, one: singular(plain) };
  });
  return (name) => {
    const plain = folded(name);
    const one = singular(plain);
    const isNear = (form) =>
      one === form.one ||
      (form.one.length >= shortest &&
        (isOneEdit(plain, form.plain) || isOneEdit(one, form.one)));
    return forms.find(isNear)?.name;
  };
}

module.exports = { nearestOf };
