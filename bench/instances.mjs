// Measures `new WASI()`: the time, and the memory of an idle instance.

const ENV = Object.fromEntries(
  Array.from({ length: 30 }, (_, index) => [`NAME_${index}`, `value ${index}`]),
);

export const instanceCases = (directory) => [
  { name: 'new WASI()', goal: 1.5, options: { version: 'preview1' } },
  {
    name: 'new WASI(), 30 variables and a preopen',
    goal: 1.5,
    options: { version: 'preview1', env: ENV, preopens: { '/': directory } },
  },
];

const settle = async () => {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** The memory of an idle instance in bytes; needs --expose-gc. */
export async function bytesPerInstance(WASI, count = 2000) {
  await settle();
  const before = process.memoryUsage().rss;
  const kept = Array.from(
    { length: count },
    () => new WASI({ version: 'preview1' }),
  );
  await settle();
  const grown = process.memoryUsage().rss - before;
  return { bytes: grown / count, kept: kept.length };
}
