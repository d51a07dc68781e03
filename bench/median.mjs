/** The value in the middle; of an even number of values, the upper of the two. */
export const median = (values) =>
  values.toSorted((a, b) => a - b)[values.length >> 1];
