"""Runs one guest under wasmtime, described by the JSON in the only argument."""

import json
import os
import sys

import wasmtime

spec = json.loads(sys.argv[1])
options = spec["options"]

# The compiled module is kept, as compiling CPython takes longer than many of its tests.
engine = wasmtime.Engine()
if not os.path.exists(spec["compiled"]):
    compiled = wasmtime.Module.from_file(engine, spec["wasm"]).serialize()
    with open(spec["compiled"], "wb") as file:
        file.write(compiled)
module = wasmtime.Module.deserialize_file(engine, spec["compiled"])

wasi = wasmtime.WasiConfig()
wasi.argv = options["args"]
wasi.env = options["env"].items()
for guest, host in options["preopens"].items():
    wasi.preopen_dir(host, guest)
wasi.inherit_stdin()
wasi.inherit_stdout()
wasi.inherit_stderr()

store = wasmtime.Store(engine)
store.set_wasi(wasi)
linker = wasmtime.Linker(engine)
linker.define_wasi()
try:
    linker.instantiate(store, module).exports(store)["_start"](store)
except wasmtime.ExitTrap as end:
    sys.exit(end.code)
