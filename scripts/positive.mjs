/**
 * Parses the value of a flag, a number greater than 0. If it is not one, prints the usage
 * and exits.
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
