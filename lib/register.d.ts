// It is imported for its effect alone: it puts the class in the place of that of
// node:wasi, in this process and its workers.

// oxlint-disable-next-line unicorn/require-module-specifiers -- what exports nothing is a module all the same
export {};
