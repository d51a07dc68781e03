/**
 * The number of a flag on the command line of a script, greater than 0. For another,
 * the script ends and says how it is used.
 *
 * @param {string} text
 * @param {string} usage
 * @returns {number}
 */
export function positive(text, usage) {
  const number = Number(text);
  if (number > 0 && number < Infinity) return number;
  console.error(`usage: ${usage}`);
  process.exit(64);
}
