# Of the output of a run: which tests failed, and the first lines of what is said of each. A difference
# of long values has hundreds of lines, and so may a run have hundreds of failures.

function show() {
  print
  if (++shown == 200) exit
}

# cargo: the name of a test, and what it printed.
/^---- .* ----$/ { left = 12 }
/^(stack backtrace:|note: |failures:|test result: )/ { left = 0 }
# cargo, the compiler and clippy.
/^error/ { left = 4 }
# The official test suite.
/^failed: / { left = 4 }

# ava: the names first, then between two rules a title and a report for each.
/^  ✔ / { next }
/^  (✘|◌) / { show(); next }
/^  (Uncaught exception|Unhandled rejection) in / { left = 12 }
/^  ─$/ { reports = !reports; left = 0; blank = 2; next }
/^ *$/ { blank++; next }
reports && blank > 1 { left = 12 }
/^ +at |^  › / { next }

left > 0 { show(); left-- }
{ blank = 0 }
