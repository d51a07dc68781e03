'use strict';

// A module of WebAssembly between a guest and the functions of WASI that may
// wait. A call that need not wait goes through it as any other. One that has to
// calls `wait`, which suspends the guest, and is made again when that is over: in
// the guest's own stack, so that nothing is read or written for a guest that
// could not be suspended.
//
//   (import "" "wait" (func $wait (result f64)))
//   (import "" "fd_read"
//     (func $call (param i32 i32 i32 i32 f64) (result i32)))
//   (func (export "fd_read") (param i32 i32 i32 i32) (result i32)
//     (local $begun f64) (local $result i32)
//     (loop $again
//       (call $call (local.get 0) … (local.get 3) (local.get $begun))
//       (if (i32.ge_u (local.tee $result) (i32.const 65536)) (then
//         (local.set $begun (call $wait))
//         (br $again))))
//     (local.get $result))

/** The magic number, version 1. */
const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const I32 = 0x7f;
const F64 = 0x7c;
const VOID = 0x40;
const FUNCTION = 0;

/** A list in the binary format; none here has more than 127 bytes or elements. */
const list = (elements) => [elements.length, ...elements.flat()];
const text = (string) => list([...Buffer.from(string)]);
const section = (id, elements) => {
  const content = list(elements);
  return [id, ...leb128(content.length), ...content];
};

/** A number of up to 14 bits. */
function leb128(number) {
  return number < 0x80 ? [number] : [(number & 0x7f) | 0x80, number >> 7];
}

const ints = (arity) => Array.from({ length: arity }, () => I32);

const functionType = (params, result) => [0x60, ...list(params), 1, result];

/** The body of the function with so many parameters that calls an import. */
function body(arity, index) {
  const begun = arity;
  const result = arity + 1;
  const params = Array.from({ length: arity }, (_, i) => [0x20, i]);
  // prettier-ignore
  const code = [
    2, 1, F64, 1, I32, // the locals
    0x03, VOID, // loop
    ...params.flat(), 0x20, begun, // local.get
    0x10, index, // call
    0x22, result, // local.tee
    0x41, 0x80, 0x80, 0x04, 0x4f, // i32.const 65536, i32.ge_u
    0x04, VOID, // if
    0x10, 0, 0x21, begun, // call $wait, local.set
    0x0c, 1, // br $again
    0x0b, 0x0b, // end, end
    0x20, result, 0x0b, // local.get, end
  ];
  return list(code);
}

/**
 * Assembles the module.
 *
 * @param {[name: string, arity: number][]} calls
 */
function assemble(calls) {
  const types = calls.flatMap(([, arity]) => [
    functionType([...ints(arity), F64], I32),
    functionType(ints(arity), I32),
  ]);
  const imports = calls.map(([name], i) => [
    ...text(''),
    ...text(name),
    FUNCTION,
    1 + 2 * i,
  ]);
  const first = 1 + calls.length;
  return Uint8Array.from([
    ...HEADER,
    ...section(1, [functionType([], F64), ...types]),
    ...section(2, [[...text(''), ...text('wait'), FUNCTION, 0], ...imports]),
    ...section(
      3,
      calls.map((_, i) => [2 + 2 * i]),
    ),
    ...section(
      7,
      calls.map(([name], i) => [...text(name), FUNCTION, first + i]),
    ),
    ...section(
      10,
      calls.map(([, arity], i) => body(arity, 1 + i)),
    ),
  ]);
}

/** The module, which is the same for all guests. */
let compiled;

/**
 * The functions for a guest.
 *
 * @param {Record<string, Function>} calls each with the time when it began as its
 *   last parameter
 * @param {() => number | Promise<number>} wait gives that of the call that is to
 *   be made again
 */
function makeSuspending(calls, wait) {
  compiled ??= new WebAssembly.Module(
    assemble(
      Object.entries(calls).map(([name, call]) => [name, call.length - 1]),
    ),
  );
  const suspending = new WebAssembly.Suspending(wait);
  const imports = { '': { ...calls, wait: suspending } };
  return new WebAssembly.Instance(compiled, imports).exports;
}

module.exports = { makeSuspending };
