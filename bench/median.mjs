/** The median; the upper one of two, if the number of values is even. */
export const median = (values) =>
  values.toSorted((a, b) => a - b)[values.length >> 1];
