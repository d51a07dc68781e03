;; trap.wat: traps with `unreachable` as soon as it is started.
(module
  (memory (export "memory") 1)
  (func (export "_start") unreachable))
